//! Telling people from inside a request of the host's own, which must neither wait nor fail for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use crate::hub::SendError;
use crate::notification::{
    dead_letter::DeadLetter, error::NotifyError, event::Event, hub_service::HubNotificationService,
    id::NotificationId, journalled::Wanted, outgoing::Outgoing, receipt::PublishOptions,
    retry::GivenUp,
};

/// The most announcements that wait to be accepted.
pub(crate) const MOST: usize = 10_000;

/// The pause before an announcement that found no room is tried again; it doubles up to [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(50);

const LONGEST: Duration = Duration::from_secs(5);

impl HubNotificationService {
    /// Hands an event over and returns at once, for use in the middle of a request: it waits for no
    /// network and no disk, and does not fail because the backplane is away.
    ///
    /// It is queued, or given to the journal, before this returns. Where there is no room, or the
    /// disk fails, it is tried again until there is; what comes later may then overtake it. At most
    /// 10,000 wait in that way; what is over, and what waits when the service is closed, is given up
    /// with an error in the log. Whoever must know that it was accepted awaits
    /// [`notify`](super::NotificationService::notify) instead, or keeps an outbox of its own. Needs a
    /// Tokio runtime.
    ///
    /// # Errors
    /// Only when the event could never be sent, because the message made of it would be too large.
    pub fn announce(&self, event: Event) -> Result<NotificationId, SendError> {
        self.remember(std::slice::from_ref(&event));
        let outgoing = Outgoing::of_event(self.hub(), event, &PublishOptions::default())?;
        let id = outgoing.id;
        let Ok(place) = Arc::clone(self.announcing()).try_acquire_owned() else {
            self.give_up(outgoing, "too many announcements wait to be accepted");
            return Ok(id);
        };
        let answer = self.submit(Wanted::new(outgoing.clone(), None));
        let service = self.clone();
        self.hub().node().tasks().spawn(async move {
            if let Err(error) = answer.await {
                service.insist(outgoing, error, place).await;
            }
        });
        Ok(id)
    }

    /// Tries until it is accepted, or never can be.
    async fn insist(
        self,
        outgoing: Outgoing,
        mut error: NotifyError,
        _place: OwnedSemaphorePermit,
    ) {
        let stopping = self.hub().node().stopping().clone();
        let mut pause = PAUSE;
        while error.is_retryable() {
            tokio::select! {
                () = sleep(pause) => {}
                () = stopping.cancelled() => break,
            }
            pause = LONGEST.min(pause * 2);
            match self.submit(Wanted::new(outgoing.clone(), None)).await {
                Ok(_) => return,
                Err(refused) => error = refused,
            }
        }
        self.give_up(outgoing, &error.to_string());
    }

    fn give_up(&self, rest: Outgoing, reason: &str) {
        self.counters().given_up.add(1);
        let given_up = GivenUp {
            rest,
            reason: reason.to_owned(),
            attempts: 0,
        };
        DeadLetter::of(&given_up).announce();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::notification::testing::{Stage, admin, table_event};
    use crate::notification::{NotificationId, NotificationOptions};

    #[tokio::test(start_paused = true)]
    async fn an_announcement_returns_while_the_broker_hangs_and_arrives_when_it_does_not() {
        for enable_background_processing in [true, false] {
            let stage = Stage::new();
            let client = stage.connect(admin("pizza")).await.unwrap();
            let service = stage.service(NotificationOptions {
                enable_background_processing,
                ..NotificationOptions::default()
            });
            stage.broker.hold();
            let id = service.announce(table_event(true)).unwrap();
            stage.broker.entered().await;
            stage.broker.release();
            assert_eq!(client.next().await.1["id"], id.to_string());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_finds_no_room_is_tried_until_there_is() {
        let stage = Stage::new();
        let client = stage.connect(admin("pizza")).await.unwrap();
        let service = stage.service(NotificationOptions {
            queue_capacity: 1,
            batch_size: 1,
            ..NotificationOptions::default()
        });
        stage.broker.hold();
        let first = service.announce(table_event(true)).unwrap();
        stage.broker.entered().await;
        let mut ids: Vec<_> = (0..3)
            .map(|_| service.announce(table_event(true)).unwrap())
            .collect();
        ids.push(first);
        stage.broker.release();
        let mut heard: Vec<NotificationId> = Vec::new();
        for _ in &ids {
            let (_, body) = client.next().await;
            heard.push(body["id"].as_str().unwrap().parse().unwrap());
        }
        ids.sort();
        heard.sort();
        assert_eq!(heard, ids);
        assert_eq!(service.counters().given_up.value(), 0);
    }
}
