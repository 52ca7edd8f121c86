//! Works out where NATS is and how to use it.

use super::{
    backplane::{Address, NatsBackplane},
    connection_string::NatsAddress,
    provider::NatsSettings,
    resolve::{at, required, secret, text},
    url::address,
    validate::Finding,
};

const ADDRESSES: &str = "RealTimeConfiguration:ProviderSpecific:Nats:Addresses";
const AUTHORITY: &str = "RealTimeConfiguration:ProviderSpecific:Nats:CertificateAuthority";
const CREDENTIALS: &str = "RealTimeConfiguration:ProviderSpecific:Nats:CredentialsFile";
const HOST: &str = "RealTimeConfiguration:ProviderSpecific:Nats:Host";
const PASSWORD: &str = "RealTimeConfiguration:ProviderSpecific:Nats:Password";
const PREFIX: &str = "RealTimeConfiguration:ProviderSpecific:Nats:SubjectPrefix";
const SEED: &str = "RealTimeConfiguration:ProviderSpecific:Nats:NkeySeed";
const TOKEN: &str = "RealTimeConfiguration:ProviderSpecific:Nats:Token";

const DEFAULT_PORT: u16 = 4222;

/// What the settings say, where the connection string does not say otherwise.
pub(super) fn nats_backplane(
    settings: &NatsSettings,
    connection: Option<NatsAddress>,
) -> Result<NatsBackplane, Finding> {
    let found = match connection {
        Some(found) => found,
        None => NatsAddress {
            addresses: addresses(settings)?,
            tls: settings.ssl,
            ..NatsAddress::default()
        },
    };
    let certificate_authority = text(&settings.certificate_authority);
    if certificate_authority.is_some() && !found.tls {
        return Err(Finding::new(
            AUTHORITY,
            "is set while TLS is off; expected Ssl to be true, or a connection string with tls://",
        ));
    }
    let usage = NatsBackplane {
        addresses: found.addresses,
        tls: found.tls,
        certificate_authority,
        user: found.user,
        password: found.password,
        token: found.token,
        nkey_seed: None,
        credentials_file: None,
        subject_prefix: prefix(&settings.subject_prefix)?,
        jet_stream: settings.jet_stream,
        replicas: settings.replicas,
        log_storage: settings.log_storage,
    };
    match usage.user.is_some() || usage.token.is_some() {
        true => Ok(usage),
        false => with_login(usage, settings),
    }
}

fn with_login(usage: NatsBackplane, settings: &NatsSettings) -> Result<NatsBackplane, Finding> {
    let ways = [
        (TOKEN, settings.token.is_empty()),
        (SEED, settings.nkey_seed.is_empty()),
        (CREDENTIALS, settings.credentials_file.is_empty()),
    ];
    let mut chosen = ways.iter().filter(|(_, is_empty)| !is_empty);
    let beside = match settings.user.is_empty() {
        true => chosen.next().and(chosen.next()),
        false => chosen.next(),
    };
    if let Some((key, _)) = beside {
        return Err(Finding::new(
            key,
            "is set beside another login; expected one of User, Token, NkeySeed and CredentialsFile",
        ));
    }
    if settings.user.is_empty() && !settings.password.is_empty() {
        return Err(Finding::new(PASSWORD, "is set without User; expected both"));
    }
    Ok(NatsBackplane {
        user: text(&settings.user),
        password: secret(&settings.password),
        token: secret(&settings.token),
        nkey_seed: secret(&settings.nkey_seed),
        credentials_file: text(&settings.credentials_file),
        ..usage
    })
}

fn addresses(settings: &NatsSettings) -> Result<Vec<Address>, Finding> {
    if settings.addresses.is_empty() {
        let host = required(HOST, &settings.host)?;
        return Ok(vec![at(HOST, host, settings.port)?]);
    }
    let read = settings
        .addresses
        .iter()
        .map(|one| address(one.trim(), DEFAULT_PORT));
    read.collect::<Result<_, _>>()
        .map_err(|problem| Finding::new(ADDRESSES, problem))
}

fn prefix(prefix: &str) -> Result<String, Finding> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match (1..=32).contains(&prefix.len()) && prefix.bytes().all(is_plain) {
        true => Ok(prefix.to_owned()),
        false => Err(Finding::new(
            PREFIX,
            "is no prefix of subjects; expected 1 to 32 letters, digits, - or _",
        )),
    }
}
