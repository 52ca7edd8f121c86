//! The settings of the restaurant system, as they stand in its own document.

use std::time::Duration;

use mesahub::config::{Environment, Provider, Secret, load};

use crate::support::{Folders, KEY, redis, sources};

/// The base settings of the restaurant system.
const BASE: &str = r#"{
  "RealTimeConfiguration": {
    "Provider": "Redis",
    "ConnectionString": "",
    "ProviderSpecific": {
      "Azure": {
        "ServiceName": "",
        "AccessKey": "",
        "Port": 6380,
        "Ssl": true
      },
      "AWS": {
        "CacheClusterId": "",
        "Region": "us-east-1",
        "Port": 6379,
        "Ssl": true
      },
      "GCP": {
        "InstanceId": "",
        "Region": "us-central1",
        "Port": 6379,
        "Ssl": false
      },
      "Upstash": {
        "RestUrl": "",
        "RestToken": "",
        "RedisUrl": ""
      },
      "Local": {
        "Host": "localhost",
        "Port": 6379,
        "Ssl": false
      }
    },
    "SignalR": {
      "EnableDetailedErrors": false,
      "KeepAliveInterval": 15,
      "ClientTimeoutInterval": 30,
      "HandshakeTimeout": 15,
      "MaxBufferSize": 32768,
      "TransportMaxBufferSize": 32768,
      "StreamBufferCapacity": 10,
      "EnableMessagePackProtocol": true
    },
    "Notifications": {
      "EnableBackgroundProcessing": true,
      "BatchSize": 100,
      "FlushInterval": 5,
      "RetryAttempts": 3,
      "RetryDelay": 1000
    }
  }}"#;

/// Its settings on Azure.
pub(crate) const AZURE: &str = r##"// appsettings.Azure.json
{
  "RealTimeConfiguration": {
    "Provider": "Azure",
    "ProviderSpecific": {
      "Azure": {
        "ServiceName": "#{AZURE_REDIS_NAME}#",
        "AccessKey": "#{AZURE_REDIS_KEY}#",
        "Port": 6380,
        "Ssl": true
      }
    }
  },
  "ConnectionStrings": {
    "CatalogConnection": "#{AZURE_SQL_CATALOG}#",
    "TenantConnection": "#{AZURE_SQL_TENANT}#"
  }}"##;

/// Its settings on AWS.
const AWS: &str = r##"// appsettings.AWS.json
{
  "RealTimeConfiguration": {
    "Provider": "AWS",
    "ProviderSpecific": {
      "AWS": {
        "CacheClusterId": "#{AWS_ELASTICACHE_CLUSTER}#",
        "Region": "#{AWS_REGION}#",
        "Port": 6379,
        "Ssl": true
      }
    }
  }}"##;

#[test]
fn the_base_settings_of_the_restaurant_load_unchanged() {
    let folders = Folders::new("base").file("appsettings.json", BASE);

    let loaded = load(&folders.sources(&[("Mesahub__Authentication__SigningKey", KEY)])).unwrap();

    let real_time = &loaded.settings.real_time;
    assert_eq!(real_time.provider, Provider::Redis);
    assert_eq!(
        real_time.signal_r.keep_alive_interval,
        Duration::from_secs(15)
    );
    assert_eq!(real_time.signal_r.transport_max_buffer_size, 32_768);
    assert_eq!(
        real_time.notifications.flush_interval,
        Duration::from_secs(5)
    );
    assert_eq!(
        real_time.notifications.retry_delay,
        Duration::from_millis(1000)
    );
    assert_eq!(redis(&loaded).addresses[0].to_string(), "localhost:6379");
    assert_eq!(loaded.environment, Environment::Production);
}

#[test]
fn the_azure_settings_of_the_restaurant_load_unchanged() {
    let folders = Folders::new("azure")
        .file("appsettings.json", BASE)
        .file("appsettings.Azure.json", AZURE)
        .secret("AZURE_REDIS_KEY", "k3y/+=\n")
        .secret("Mesahub__Authentication__SigningKey", KEY);

    let loaded =
        load(&folders.sources(&[("CLOUD_PROVIDER", "azure"), ("AZURE_REDIS_NAME", "mesa")]))
            .unwrap();

    let redis = redis(&loaded);
    assert_eq!(
        redis.addresses[0].to_string(),
        "mesa.redis.cache.windows.net:6380"
    );
    assert_eq!(redis.password, Some(Secret::new("k3y/+=")));
    assert!(redis.tls);
    assert_eq!(redis.channel_prefix, "mesamagica");
    assert_eq!(loaded.ignored[0].0, "ConnectionStrings");
}

#[test]
fn the_aws_settings_of_the_restaurant_load_unchanged() {
    let folders = Folders::new("aws")
        .file("appsettings.json", BASE)
        .file("appsettings.AWS.json", AWS);

    let loaded = load(&folders.sources(&[
        ("ASPNETCORE_ENVIRONMENT", "Development"),
        ("CLOUD_PROVIDER", "AWS"),
        ("AWS_ELASTICACHE_CLUSTER", "mesa.abc123"),
        ("AWS_REGION", "us-east-1"),
    ]))
    .unwrap();

    let redis = redis(&loaded);
    assert_eq!(
        redis.addresses[0].to_string(),
        "mesa.abc123.cache.amazonaws.com:6379"
    );
    assert!(redis.tls && redis.password.is_none());
}

#[test]
fn the_variables_of_the_restaurants_containers_work() {
    let loaded = load(&sources(&[
        ("ASPNETCORE_ENVIRONMENT", "Development"),
        ("CLOUD_PROVIDER", "Local"),
        ("RealTimeConfiguration__Provider", "Local"),
        (
            "RealTimeConfiguration__ProviderSpecific__Local__Host",
            "redis",
        ),
        (
            "RealTimeConfiguration__ProviderSpecific__Local__Port",
            "6379",
        ),
    ]))
    .unwrap();

    assert_eq!(redis(&loaded).addresses[0].to_string(), "redis:6379");
    assert!(!redis(&loaded).tls);
}
