//! Who limits the clients of an endpoint.

use std::net::IpAddr;
use std::sync::Arc;

use warp::reply::Response;

use crate::auth::{AuthError, Principal};
use crate::limits::{Entrance, FailureLimits, Handshake, Place, Refused};
use crate::transport::refusal::{throttled, unauthorized};

/// What limits the clients of an endpoint; nothing by default. Endpoints may share it.
#[derive(Clone, Debug, Default)]
pub struct EndpointLimits {
    /// How many may connect.
    pub entrance: Option<Arc<Entrance>>,
    /// How often an address may show credentials that are not accepted.
    pub failures: Option<Arc<FailureLimits>>,
}

impl EndpointLimits {
    /// Whether anybody may come in at this moment.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        self.entrance
            .as_ref()
            .map_or(Ok(()), |entrance| entrance.check())
    }

    /// Gives a place to a client, if places are counted.
    pub(crate) fn enter(
        &self,
        address: Option<IpAddr>,
        principal: &Principal,
    ) -> Result<Option<Place>, Refused> {
        let entrance = self.entrance.as_ref();
        entrance
            .map(|entrance| entrance.enter(address, principal))
            .transpose()
    }

    /// Answers somebody who could not show who they are.
    pub(crate) fn unauthenticated(&self, address: Option<IpAddr>, error: &AuthError) -> Response {
        // Keys that cannot be had are not the client's failure.
        let failures = self.failures.as_ref().filter(|_| !error.is_unavailable());
        match failures.map_or(Ok(()), |failures| failures.note(address)) {
            Ok(()) => {
                tracing::info!(code = error.code(), "refused a request to a hub: {error}");
                unauthorized(error)
            }
            Err(exhausted) => throttled(exhausted),
        }
    }
}

/// Lets one that has a place shake hands.
pub(crate) fn shake_hands(place: Option<&Place>) -> Result<Option<Handshake>, Refused> {
    place.map(Place::shake_hands).transpose()
}
