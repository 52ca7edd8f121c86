//! What a caller is told when the notification service did not do something.

use std::error::Error;

use http::StatusCode;
use mesahub_broker::BrokerError;

use super::problem::Problem;
use crate::hub::{GroupError, SendError};
use crate::notification::NotifyError;

/// The problem that an error is; its cause goes to the log, if the server is at fault.
pub(super) fn refused(error: &NotifyError) -> Problem {
    match error {
        NotifyError::Overloaded => Problem::unavailable("overloaded", error.to_string()),
        NotifyError::Journal(detail) => {
            tracing::warn!(error = %detail, "the journal keeps nothing");
            Problem::unavailable("journal_unavailable", "the journal cannot keep it")
        }
        NotifyError::KeyReused => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Problem::new(status, "idempotency_key_reused", error.to_string())
        }
        NotifyError::InProgress => {
            Problem::new(StatusCode::CONFLICT, "in_progress", error.to_string())
        }
        NotifyError::Closed => Problem::unavailable("stopping", "the server is stopping"),
        NotifyError::Send(SendError::Broker(BrokerError::TooLarge { max, .. })) => {
            let detail = format!("the message would have more than {max} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
        }
        NotifyError::Group(GroupError::UnknownConnection(_)) => unknown_connection(),
        NotifyError::OtherTenant(_) => other_channel(),
        _ => {
            tracing::warn!(
                error = error as &dyn Error,
                "the notification service failed"
            );
            if is_worth_a_retry(error) {
                Problem::unavailable("backplane_unavailable", "the backplane did not answer")
            } else {
                Problem::internal()
            }
        }
    }
}

/// Whether the caller may try again: here, or where a balancer sends it while this node stops.
pub(super) fn is_worth_a_retry(error: &NotifyError) -> bool {
    error.is_retryable() || matches!(error, NotifyError::Closed)
}

/// A connection that is nowhere, or that the caller may not know of.
pub(super) fn unknown_connection() -> Problem {
    let detail = "there is no such connection of a tenant that the token covers";
    Problem::new(StatusCode::NOT_FOUND, "unknown_connection", detail)
}

/// A notification whose receipt is not kept, or that the caller may not know of.
pub(super) fn no_receipt() -> Problem {
    let detail = "no receipt is kept of this id for a tenant that the token covers";
    Problem::new(StatusCode::NOT_FOUND, "no_receipt", detail)
}

/// A channel that the connection may not be in.
pub(super) fn other_channel() -> Problem {
    let detail = "a connection may only be in channels of its own tenant, and of its own session \
                  unless the token covers every tenant";
    Problem::new(StatusCode::FORBIDDEN, "other_channel", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_the_status_that_tells_what_to_do() {
        let told = |error: &NotifyError| (refused(error).status().as_u16(), refused(error).code());
        let broker = |error: BrokerError| told(&NotifyError::from(error));
        assert_eq!(told(&NotifyError::Overloaded), (503, "overloaded"));
        assert_eq!(told(&NotifyError::Closed), (503, "stopping"));
        let journal = NotifyError::Journal("the disk of the journal is full".to_owned());
        assert_eq!(told(&journal), (503, "journal_unavailable"));
        assert_eq!(
            told(&NotifyError::KeyReused),
            (422, "idempotency_key_reused")
        );
        assert_eq!(told(&NotifyError::InProgress), (409, "in_progress"));
        assert_eq!(
            broker(BrokerError::unavailable("away")),
            (503, "backplane_unavailable")
        );
        assert_eq!(
            broker(BrokerError::rejected("secret")),
            (500, "internal_error")
        );
        let too_large = BrokerError::TooLarge { size: 9, max: 8 };
        assert_eq!(broker(too_large), (413, "payload_too_large"));
    }

    #[test]
    fn a_cause_stays_in_the_server() {
        let error = NotifyError::from(BrokerError::rejected("password of redis-7 is wrong"));
        assert!(!refused(&error).detail().contains("redis"));
    }
}
