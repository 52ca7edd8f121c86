//! What the timeout service does.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mesahub::auth::{SessionId, TenantKey};
use mesahub::session::{
    Clock, DiningSessions, MemorySessions, SessionError, SessionNotifier, SessionStore,
    SessionTimes, SqliteSessions,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::recorder::Recorder;

const MINUTE: Duration = Duration::from_secs(60);

/// The time as the paused clock of the test has it.
fn clock() -> Clock {
    let start = Instant::now();
    let evening: Timestamp = "2026-11-25T18:00:00Z".parse().unwrap();
    Arc::new(move || evening.checked_add(start.elapsed()).unwrap())
}

fn on(store: Arc<dyn SessionStore>, recorder: &Arc<Recorder>, clock: &Clock) -> DiningSessions {
    let notifier = SessionNotifier::new(recorder.clone());
    DiningSessions::with_clock(store, notifier, SessionTimes::default(), clock.clone())
}

fn in_memory() -> (DiningSessions, Arc<Recorder>) {
    let recorder = Arc::<Recorder>::default();
    let store = Arc::new(MemorySessions::default());
    (on(store, &recorder, &clock()), recorder)
}

fn pizza() -> TenantKey {
    "pizza".parse().unwrap()
}

async fn started(sessions: &DiningSessions) -> SessionId {
    let id = Uuid::new_v4().into();
    let table = "4".parse().unwrap();
    sessions.start(pizza(), id, table).await.unwrap();
    id
}

#[tokio::test(start_paused = true)]
async fn guests_are_warned_at_the_minutes_and_then_sent_away() {
    let (sessions, recorder) = in_memory();
    let id = started(&sessions).await;
    assert_eq!(recorder.take(), ["started at table 4"]);
    let mut told = Vec::new();
    for minute in 1..=31 {
        advance(MINUTE).await;
        sessions.sweep().await.unwrap();
        let now = recorder.take().into_iter();
        told.extend(now.map(|text| format!("{minute}: {text}")));
    }
    assert_eq!(
        told,
        ["25: 5 min", "29: 1 min", "30: InactiveSessionTimeout"]
    );
    let gone = sessions.find(&pizza(), id).await;
    assert!(matches!(gone, Err(SessionError::Unknown(_))));
}

#[tokio::test(start_paused = true)]
async fn activity_extends_and_an_order_changes_the_reason() {
    let (sessions, recorder) = in_memory();
    let id = started(&sessions).await;
    for minutes in [29, 29, 119] {
        advance(MINUTE * minutes).await;
        sessions.sweep().await.unwrap();
        let touched = sessions.touch(&pizza(), id, minutes == 29).await.unwrap();
        assert_eq!(touched.warned, None);
    }
    recorder.take();
    advance(MINUTE * 119).await;
    sessions.sweep().await.unwrap();
    assert_eq!(recorder.take(), ["1 min"]);
    advance(MINUTE).await;
    sessions.sweep().await.unwrap();
    assert_eq!(recorder.take(), ["ServedOrderTimeout"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_closed_once_and_for_good() {
    let (sessions, recorder) = in_memory();
    let id = started(&sessions).await;
    recorder.take();
    sessions.close(&pizza(), id).await.unwrap();
    assert_eq!(recorder.take(), ["SessionClosed"]);
    for again in [
        sessions.close(&pizza(), id).await,
        sessions.touch(&pizza(), id, false).await.map(drop),
    ] {
        assert!(matches!(again, Err(SessionError::Unknown(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_of_another_tenant_is_not_there() {
    let (sessions, _recorder) = in_memory();
    let id = started(&sessions).await;
    let sushi: TenantKey = "sushi".parse().unwrap();
    for refused in [
        sessions.find(&sushi, id).await.map(drop),
        sessions.touch(&sushi, id, true).await.map(drop),
        sessions.close(&sushi, id).await,
    ] {
        assert!(matches!(refused, Err(SessionError::Unknown(_))));
    }
    let again = sessions.start(sushi, id, "1".parse().unwrap()).await;
    assert!(matches!(again, Err(SessionError::Exists(_))));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_told_is_told_when_the_claim_has_run_out() {
    let (sessions, recorder) = in_memory();
    let id = started(&sessions).await;
    recorder.take();
    *recorder.refusing.lock() = 2;
    sessions.close(&pizza(), id).await.unwrap();
    let ending = sessions.touch(&pizza(), id, true).await;
    assert!(matches!(ending, Err(SessionError::Ending(_))));
    // The first attempt was refused, and so is the first repetition.
    for told in [0, 1, 0] {
        advance(MINUTE).await;
        for _ in 0..2 {
            sessions.sweep().await.unwrap();
        }
        let expected = vec!["SessionClosed"; told];
        assert_eq!(
            recorder.take(),
            expected,
            "when the claim has run out, and once"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_looks_by_itself_until_it_is_stopped() {
    let (sessions, recorder) = in_memory();
    let sessions = Arc::new(sessions);
    started(&sessions).await;
    recorder.take();
    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    running.spawn(Arc::clone(&sessions).keep_time(stop.clone()));
    // The clock runs by itself while all tasks wait.
    tokio::time::timeout(MINUTE * 31, running.join_next())
        .await
        .unwrap_err();
    assert_eq!(
        recorder.take(),
        ["5 min", "1 min", "InactiveSessionTimeout"]
    );
    stop.cancel();
    running.join_next().await.unwrap().unwrap();
}

/// Real threads and a real file, shared as processes share it.
#[tokio::test(flavor = "multi_thread")]
async fn however_many_nodes_look_each_session_is_closed_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let recorder = Arc::<Recorder>::default();
    let evening: Timestamp = "2026-11-25T18:00:00Z".parse().unwrap();
    let open = |clock: Clock| {
        let store = Arc::new(SqliteSessions::open(&path).unwrap());
        on(store, &recorder, &clock)
    };
    let now: Clock = Arc::new(move || evening);
    let first = open(now);
    for _ in 0..200 {
        started(&first).await;
    }
    recorder.take();
    let later = evening.checked_add(MINUTE * 30).unwrap();
    let mut nodes = JoinSet::new();
    for _ in 0..4 {
        let node = open(Arc::new(move || later));
        nodes.spawn(async move { node.sweep().await.unwrap() });
    }
    let done: usize = nodes.join_all().await.into_iter().sum();
    assert_eq!(done, 200);
    assert_eq!(recorder.take(), vec!["InactiveSessionTimeout"; 200]);
}
