//! Who may read metrics, and where.

use mesahub::auth::ServiceScope;

use crate::server::{Server, admin_token, read, service_token};

#[tokio::test(flavor = "multi_thread")]
async fn beside_the_api_metrics_are_for_services_of_every_tenant() {
    let server = Server::start(&[]).await;
    let some = ServiceScope::Tenants(["trattoria".parse().unwrap()].into());
    for (token, status) in [
        (String::new(), 401),
        ("no token".to_owned(), 401),
        (admin_token(), 403),
        (service_token(some), 403),
        (service_token(ServiceScope::Every), 200),
    ] {
        let answer = read(server.address, "/metrics", &token, "").await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.text.contains("mesahub_ready"), status == 200);
    }
    // A token in the query would end up in logs.
    let token = service_token(ServiceScope::Every);
    let path = format!("/metrics?access_token={token}");
    assert_eq!(read(server.address, &path, "", "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_an_address_of_their_own_they_are_for_anyone_and_nowhere_else() {
    let server = Server::start(&[("Mesahub:Metrics:Address", "127.0.0.1:0")]).await;
    let own = server.metrics.unwrap();
    let answer = read(own, "/metrics", "", "").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("mesahub_ready 1\n"));
    for path in ["/", "/health/live", "/api/v1/notifications"] {
        assert_eq!(read(own, path, "", "").await.status, 404, "{path}");
    }
    let token = service_token(ServiceScope::Every);
    assert_eq!(
        read(server.address, "/metrics", &token, "").await.status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_at_the_configured_path_alone() {
    let server = Server::start(&[("Mesahub:Metrics:Path", "/internal/figures")]).await;
    let token = service_token(ServiceScope::Every);
    let at = async |path| read(server.address, path, &token, "").await.status;
    assert_eq!(at("/internal/figures").await, 200);
    assert_eq!(at("/internal").await, 404);
    assert_eq!(at("/internal/figures/more").await, 404);
    assert_eq!(at("/metrics").await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_nowhere_when_they_are_not_enabled() {
    let address = ("Mesahub:Metrics:Address", "127.0.0.1:0");
    for settings in [vec![], vec![address]] {
        let mut settings = settings;
        settings.push(("Mesahub:Metrics:Enabled", "false"));
        let server = Server::start(&settings).await;
        assert_eq!(server.metrics, None);
        let token = service_token(ServiceScope::Every);
        assert_eq!(
            read(server.address, "/metrics", &token, "").await.status,
            404
        );
    }
}
