//! What every store owes.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use mesahub::auth::{SessionId, TenantKey};
use mesahub::session::{DiningSession, MemorySessions, SessionStore, SqliteSessions};
use tempfile::TempDir;
use tokio::task::JoinSet;
use uuid::Uuid;

fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-25T18:00:00Z".parse().unwrap();
    start
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap()
}

fn id(number: u128) -> SessionId {
    Uuid::from_u128(number).into()
}

fn session(number: u128, tenant: &str, due: i64) -> DiningSession {
    DiningSession {
        session_id: id(number),
        tenant_key: tenant.parse().unwrap(),
        table_number: "4".parse().unwrap(),
        started_at: at(0),
        last_activity: at(0),
        has_orders: false,
        warned: Some(5),
        closing: None,
        due: at(due),
        version: 0,
    }
}

fn ids(sessions: &[DiningSession]) -> Vec<SessionId> {
    sessions.iter().map(|session| session.session_id).collect()
}

/// Each store, with what has to live as long as it.
fn stores() -> Vec<(Arc<dyn SessionStore>, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteSessions::open(&folder.path().join("sessions.db")).unwrap();
    vec![
        (Arc::new(MemorySessions::default()), None),
        (Arc::new(sqlite), Some(folder)),
    ]
}

#[tokio::test]
async fn a_session_is_found_as_it_was_added_and_added_once() {
    for (store, _folder) in stores() {
        let one = session(1, "pizza", 60);
        assert!(store.insert(&one).await.unwrap());
        assert!(!store.insert(&session(1, "sushi", 0)).await.unwrap());
        assert_eq!(store.find(id(1)).await.unwrap(), Some(one));
        assert_eq!(store.find(id(2)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_tenants_sessions_are_listed_in_pages() {
    for (store, _folder) in stores() {
        for number in [3, 1, 2] {
            store.insert(&session(number, "pizza", 0)).await.unwrap();
        }
        store.insert(&session(4, "sushi", 0)).await.unwrap();
        let pizza: TenantKey = "pizza".parse().unwrap();
        let first = store.list(&pizza, None, 2).await.unwrap();
        assert_eq!(ids(&first), [id(1), id(2)]);
        let rest = store.list(&pizza, Some(id(2)), 2).await.unwrap();
        assert_eq!(ids(&rest), [id(3)]);
    }
}

#[tokio::test]
async fn what_is_due_comes_first_come_first() {
    for (store, _folder) in stores() {
        for (number, due) in [(1, 30), (2, 10), (3, 20), (4, 31)] {
            store.insert(&session(number, "pizza", due)).await.unwrap();
        }
        let due = store.due(at(30), 10).await.unwrap();
        assert_eq!(ids(&due), [id(2), id(3), id(1)]);
        assert_eq!(ids(&store.due(at(30), 1).await.unwrap()), [id(2)]);
        assert!(store.due(at(9), 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn only_the_latest_version_is_changed_or_removed() {
    for (store, _folder) in stores() {
        let one = session(1, "pizza", 0);
        store.insert(&one).await.unwrap();
        let later = DiningSession {
            due: at(50),
            has_orders: true,
            ..one.clone()
        };
        assert!(store.replace(&later).await.unwrap());
        assert!(!store.replace(&later).await.unwrap(), "it is older now");
        let kept = store.find(id(1)).await.unwrap().unwrap();
        assert_eq!((kept.version, kept.due, kept.has_orders), (1, at(50), true));
        assert!(!store.remove(id(1), 0).await.unwrap());
        assert!(store.remove(id(1), 1).await.unwrap());
        assert!(!store.replace(&kept).await.unwrap(), "it is gone");
    }
}

#[tokio::test]
async fn of_many_who_change_one_version_at_once_one_succeeds() {
    for (store, _folder) in stores() {
        store.insert(&session(1, "pizza", 0)).await.unwrap();
        let mut tries = JoinSet::new();
        for _ in 0..16 {
            let store = Arc::clone(&store);
            tries.spawn(async move { store.replace(&session(1, "pizza", 9)).await.unwrap() });
        }
        let won = tries.join_all().await;
        assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    }
}

#[tokio::test]
async fn a_file_of_sqlite_outlives_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let store = SqliteSessions::open(&path).unwrap();
    store.insert(&session(1, "pizza", 0)).await.unwrap();
    drop(store);
    let store = SqliteSessions::open(&path).unwrap();
    assert_eq!(
        store.find(id(1)).await.unwrap(),
        Some(session(1, "pizza", 0))
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("menu.txt");
    std::fs::write(&path, "Margherita 9.50, Funghi 11.00, ".repeat(100)).unwrap();
    let refused = SqliteSessions::open(&path).unwrap_err();
    assert!(refused.to_string().contains("opening its file"));
    assert!(refused.source.to_string().contains("not a database"));
}
