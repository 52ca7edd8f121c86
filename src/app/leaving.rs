//! Sending clients away a few at a time, so that the nodes they come back to are not run over.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::hub::{Ending, Hub};

/// The fewest clients that leave together: no node minds so many.
const FEWEST: usize = 10;

/// How fast clients are sent away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The most that leave together, in percent of those that are there.
    pub(crate) share: u8,
    /// The pause before the next ones.
    pub(crate) interval: Duration,
}

/// Lets nobody new in, and sends clients away at this pace, all but the last few, who are there
/// until the server has nothing more to say. Takes as long as `within` at most.
pub(crate) async fn send_away(hub: &Hub, pace: Pace, within: Duration) {
    hub.node().leave();
    let end = Instant::now() + within;
    let all = hub.connection_count();
    let few = (all * usize::from(pace.share)).div_ceil(100).max(FEWEST);
    let turns = all.div_ceil(few).saturating_sub(1);
    for turn in 0..turns {
        hub.disconnect_some(few, &Ending::Shutdown);
        let left = end.saturating_duration_since(Instant::now());
        let share = u32::try_from(turns - turn).map_or(Duration::ZERO, |turns| left / turns);
        sleep(pace.interval.min(share)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;
    use tokio::time::advance;

    use super::*;
    use crate::notification::testing::{Client, SESSION, Stage, customer};

    const PACE: Pace = Pace {
        share: 10,
        interval: Duration::from_millis(500),
    };
    const LONG: Duration = Duration::from_secs(60);

    async fn full_house(count: usize) -> (Stage, Vec<Client>) {
        let (stage, mut clients) = (Stage::new(), Vec::new());
        for _ in 0..count {
            let client = stage.connect(customer("pizza", SESSION)).await;
            clients.push(client.expect("customers may connect"));
        }
        (stage, clients)
    }

    fn staying(clients: &[Client]) -> usize {
        let staying = |client: &&Client| client.connection.ending().is_none();
        clients.iter().filter(staying).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenth_leaves_at_a_time_and_the_last_tenth_stays() {
        let (stage, clients) = full_house(120).await;
        let mut leaving = pin!(send_away(&stage.hub, PACE, LONG));
        for left in (1..10).rev() {
            assert!(poll!(leaving.as_mut()).is_pending());
            assert_eq!(staying(&clients), left * 12);
            advance(PACE.interval - Duration::from_millis(1)).await;
            assert!(poll!(leaving.as_mut()).is_pending(), "nobody is hurried");
            assert_eq!(staying(&clients), left * 12);
            advance(Duration::from_millis(1)).await;
        }
        leaving.await;
        assert_eq!(staying(&clients), 12);
        assert!(stage.hub.node().is_leaving(), "nobody new is let in");
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_keeps_within_the_time_there_is() {
        let (stage, clients) = full_house(50).await;
        let begin = Instant::now();
        send_away(&stage.hub, PACE, Duration::from_secs(1)).await;
        assert!(begin.elapsed() <= Duration::from_millis(1_010));
        assert_eq!(staying(&clients), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn few_are_not_kept_waiting() {
        let (stage, clients) = full_house(10).await;
        let begin = Instant::now();
        send_away(&stage.hub, PACE, LONG).await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert_eq!(staying(&clients), 10);
    }
}
