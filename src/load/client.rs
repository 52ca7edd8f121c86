//! One client, from its first attempt to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use mesahub_protocol::HubMessage;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, sleep, timeout};

use super::fleet::{Cut, World};
use super::ledger::Ledger;
use super::line::Line;
use super::mark::Mark;
use super::refusal::Refusal;
use super::template::filled;

/// The pause before a second attempt, doubled for each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often a client shows that it is alive: servers give up those that are silent for 30 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The method that is called to see whether a client has been welcomed.
const WELCOMED: &str = "Ping";

/// How long the server has to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// One client.
pub(super) struct Client {
    pub(super) index: usize,
    pub(super) world: Arc<World>,
    pub(super) cuts: watch::Receiver<Cut>,
}

/// Why a connection is no more.
enum End {
    /// The run is over.
    Over,
    /// It was cut on purpose.
    Cut,
    /// It was lost.
    Lost(Refusal),
}

impl Client {
    /// Connects, and again when it is cut or lost, until the run is over or it has to give up.
    pub(super) async fn live(mut self) {
        let world = Arc::clone(&self.world);
        let mut ledger = Ledger::of(world.plan.channels_of(self.index));
        let mut arrived = None;
        loop {
            let cut = *self.cuts.borrow_and_update();
            let Some(mut line) = self.connect(&mut ledger).await else {
                break;
            };
            world.tally.stand(|standing| standing.up += 1);
            if arrived != Some(cut.count) {
                arrived = Some(cut.count);
                world.tally.return_after(cut.at.elapsed());
            }
            let end = self.listen(&mut line, &mut ledger).await;
            world.tally.stand(|standing| standing.up -= 1);
            match end {
                End::Cut => drop(line),
                End::Lost(refusal) => {
                    world.tally.dropped.fetch_add(1, Relaxed);
                    world.tally.blame(&refusal);
                }
                End::Over => {
                    // A server that does not answer is not waited for any longer.
                    let _ = timeout(GOODBYE, line.leave()).await;
                    break;
                }
            }
        }
        match arrived {
            Some(_) => world.tally.settle(&ledger),
            None => world.tally.miss(world.plan.channels_of(self.index)),
        }
    }

    /// Tries until it is in all its channels; none when the run is over or its patience is.
    async fn connect(&self, ledger: &mut Ledger) -> Option<Line> {
        let world = &self.world;
        let give_up = Instant::now() + world.plan.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            let attempt = timeout(world.plan.patience, self.enter(ledger));
            let outcome = tokio::select! {
                () = world.over.cancelled() => return None,
                outcome = attempt => outcome.unwrap_or(Err(Refusal::Late)),
            };
            let refusal = match outcome {
                Ok(line) => return Some(line),
                Err(refusal) => refusal,
            };
            world.tally.blame(&refusal);
            let wait = refusal
                .retry_after()
                .unwrap_or(pause)
                .mul_f64(0.5 + self.chance());
            if Instant::now() + wait > give_up {
                world.tally.stand(|standing| standing.given_up += 1);
                return None;
            }
            tokio::select! {
                () = world.over.cancelled() => return None,
                () = sleep(wait) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn enter(&self, ledger: &mut Ledger) -> Result<Line, Refusal> {
        let plan = &self.world.plan;
        let token = plan.token(self.index);
        let mut line = Line::open(&self.world.door, token, |it| self.note(it, ledger)).await?;
        let Some(join) = &plan.join else {
            // The answer to the handshake comes before a server has welcomed a client into its
            // channels, the answer to a call behind it, whether it knows the method or not.
            let welcomed = line.call(WELCOMED, &[], |it| self.note(it, ledger)).await;
            return match welcomed {
                Ok(()) | Err(Refusal::Call { .. }) => Ok(line),
                Err(refusal) => Err(refusal),
            };
        };
        for channel in plan.channels_of(self.index) {
            let name = plan.name(channel);
            let arguments = join.arguments.iter().map(|it| filled(it, &name, ""));
            let arguments: Vec<Value> = arguments.collect();
            line.call(&join.method, &arguments, |it| self.note(it, ledger))
                .await?;
        }
        Ok(line)
    }

    async fn listen(&mut self, line: &mut Line, ledger: &mut Ledger) -> End {
        let world = Arc::clone(&self.world);
        let first = Instant::now() + KEEP_ALIVE.mul_f64(0.5 + self.chance() / 2.0);
        let mut alive = interval_at(first, KEEP_ALIVE);
        loop {
            let done = tokio::select! {
                () = world.over.cancelled() => return End::Over,
                cut = self.cuts.changed() => match cut {
                    Ok(()) => return End::Cut,
                    Err(_) => return End::Over,
                },
                _ = alive.tick() => line.ping().await,
                heard = line.hear(|it| note(&world, it, ledger)) => heard,
            };
            if let Err(refusal) = done {
                return End::Lost(refusal);
            }
        }
    }

    fn note(&self, message: &HubMessage<'_>, ledger: &mut Ledger) {
        note(&self.world, message, ledger);
    }

    /// Between 0 and 1, another for each client, so that they do not act all at once.
    fn chance(&self) -> f64 {
        (self.index as f64 * 0.618_033_988_749_895).fract()
    }
}

/// Writes down every mark in a call of a client method.
fn note(world: &World, message: &HubMessage<'_>, ledger: &mut Ledger) {
    if let HubMessage::Invocation(call) = message {
        for argument in &call.arguments {
            for mark in Mark::find(argument.bytes()) {
                world.tally.hear(&mark, ledger);
            }
        }
    }
}
