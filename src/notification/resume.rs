//! `Resume`: what a client missed of its channels comes before anything new.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use mesahub_broker::Position;
use serde::Serialize;

use crate::channel::{Channel, OrderDirectory};
use crate::hub::reply::Keeping;
use crate::hub::resumption::Paused;
use crate::hub::{Caller, HubError, LostReason, State};
use crate::notification::handlers::{Orders, admit};
use crate::notification::place::Place;
use crate::notification::replay::{Replay, Resumed, as_text};

/// The most channels in one call.
const MOST_RESUMED: usize = 64;

/// A channel that was joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Following {
    /// The channel, by the name that `Resume` takes.
    pub channel: Channel,
    /// Where the connection joined: the place to resume after for a client that has received
    /// nothing of the channel yet. Null when it was in the channel already, or no log keeps it.
    #[serde(serialize_with = "as_text")]
    pub position: Option<Position>,
}

type Answers = BTreeMap<String, Resumed>;

/// Answers for every channel that is named, and for those that are held back from a client that
/// resumes first. Whoever may join a channel may resume it, and is in it then.
pub(super) async fn resume(
    caller: Caller,
    places: BTreeMap<String, String>,
    State(orders): Orders,
) -> Result<Keeping<Answers>, HubError> {
    if places.len() > MOST_RESUMED {
        return Err(HubError::new(format!(
            "{} channels are too many to resume at once; expected at most {MOST_RESUMED}",
            places.len()
        )));
    }
    let mut places: BTreeMap<String, Option<String>> = places
        .into_iter()
        .map(|(channel, place)| (channel, Some(place)))
        .collect();
    for channel in caller.hub().held_groups(caller.connection()) {
        places.entry(channel).or_default();
    }
    // All gates are closed before the first log is read.
    let entering = places
        .keys()
        .map(|channel| enter(&caller, channel, &orders));
    let gates = join_all(entering).await;

    let mut replay = Replay::new(caller.clone());
    let (mut answers, mut kept) = (BTreeMap::new(), Vec::new());
    for ((channel, place), gate) in places.into_iter().zip(gates) {
        let answer = match gate {
            Err(reason) => Resumed::lost(reason),
            Ok(mut gate) => {
                let answer = read(&mut replay, &gate, place.as_deref()).await;
                settle(&mut gate, &answer);
                kept.push(gate);
                answer
            }
        };
        let counters = caller.hub().node().counters();
        match answer.lost {
            Some(reason) => counters.not_resumed.add(reason),
            None => counters.resumed.add(1),
        }
        if let Some(reason) = answer.lost {
            tracing::info!(
                connection = %caller.id(), user = caller.user(),
                channel = %channel.escape_debug(), ?reason, "cannot resume"
            );
        }
        answers.insert(channel, answer);
    }
    Ok(Keeping {
        value: answers,
        kept: Box::new(kept),
    })
}

/// Holds a channel back from the caller, who is in it or may be.
async fn enter(
    caller: &Caller,
    name: &str,
    orders: &Arc<dyn OrderDirectory>,
) -> Result<Paused, LostReason> {
    let (hub, connection) = (caller.hub(), caller.connection());
    let channel: Channel = name.parse().map_err(|_| LostReason::NotMember)?;
    if !caller.is_in(name) {
        admit(caller, &channel, &**orders)
            .await
            .map_err(|_| LostReason::NotMember)?;
        let held = channel.keeps_log();
        let joined = hub.follow(connection, &[name.to_owned()], held).await;
        joined.map_err(|error| {
            tracing::warn!(connection = %caller.id(), %channel, %error, "cannot join to resume");
            LostReason::Unavailable
        })?;
    }
    hub.pause(connection, name).ok_or(LostReason::Unavailable)
}

async fn read(replay: &mut Replay, gate: &Paused, place: Option<&str>) -> Resumed {
    let place = match place {
        // Nothing was received yet: what came since it joined.
        None => gate
            .since()
            .map(Place::Position)
            .ok_or(LostReason::Unavailable),
        Some(text) => text.parse().map_err(|_| LostReason::UnknownPosition),
    };
    match place {
        Ok(place) => replay.after(gate.topic(), place).await,
        Err(reason) => Resumed {
            position: gate.since(),
            ..Resumed::lost(reason)
        },
    }
}

/// What the answer says is where the client is from then on. What came since then is for it also
/// where it has lost what came before: it fetches its state once it has the answer.
fn settle(gate: &mut Paused, answer: &Resumed) {
    match answer.position {
        Some(position) => gate.given(position),
        None => gate.give_up(),
    }
    if answer.more {
        gate.stay();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use mesahub_memory::{MemoryConfig, MemoryNetwork};
    use serde_json::{Value, json};

    use crate::hub::resumption::PATIENCE;
    use crate::notification::testing::{
        Client, ORDER, SESSION, Stage, admin, customer, event, status_event, table_event,
    };
    use crate::notification::{HubNotificationService, NotificationId, NotificationService};

    const ADMINS: &str = "tenant:pizza:admins";

    async fn tables(service: &HubNotificationService, count: usize) -> Vec<String> {
        let events = vec![table_event(true); count];
        let answers = service.publish(events).await;
        answers
            .into_iter()
            .map(|id| id.unwrap().to_string())
            .collect()
    }

    async fn resume(client: &Client, places: Value) -> Value {
        client.invoke("Resume", json!([places])).await.unwrap()
    }

    fn ids(answer: &Value) -> Vec<String> {
        let notifications = answer["notifications"].as_array().unwrap();
        let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
        notifications.iter().map(id).collect()
    }

    async fn heard(client: &Client, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(client.next().await.1["id"].as_str().unwrap().to_owned());
        }
        ids
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_resumes_first_hears_nothing_new_before_it_has() {
        let network = MemoryNetwork::new(MemoryConfig::default());
        let (before, after) = (Stage::on(&network), Stage::on(&network));
        let first = before.connect(admin("pizza")).await.unwrap();
        let service = before.direct();
        let seen = tables(&service, 2).await;
        assert_eq!(heard(&first, 2).await, seen);
        let mut missed = tables(&service, 3).await;

        let again = after.connect_resuming(admin("pizza")).await;
        missed.extend(tables(&service, 2).await);
        let answer = &resume(&again, json!({ ADMINS: seen[1] })).await[ADMINS];
        assert_eq!(ids(answer), missed);
        let live = tables(&service, 1).await;
        assert_eq!(heard(&again, 1).await, live, "each came once, in order");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_first_resume_does_not_name_is_answered_from_where_the_client_joined() {
        let stage = Stage::new();
        let service = stage.direct();
        tables(&service, 2).await;
        let boss = stage.connect_resuming(admin("pizza")).await;
        let missed = tables(&service, 1).await;
        let answers = resume(&boss, json!({})).await;
        assert_eq!(answers.as_object().unwrap().len(), 1, "{answers}");
        assert_eq!(ids(&answers[ADMINS]), missed);
        assert!(answers[ADMINS]["position"].is_string());
        assert_eq!(heard(&boss, 0).await.len(), 0);
        assert_eq!(resume(&boss, json!({})).await, json!({}), "nothing is held");
        let live = tables(&service, 1).await;
        assert_eq!(heard(&boss, 1).await, live);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_received_nothing_resumes_from_the_position_that_joining_gave() {
        let stage = Stage::new();
        let boss = stage.connect(admin("pizza")).await.unwrap();
        let joined = boss
            .invoke("JoinOrderChannel", json!([ORDER]))
            .await
            .unwrap();
        let channel = joined["channel"].as_str().unwrap();
        assert_eq!(channel, format!("tenant:pizza:order:{ORDER}"));
        assert!(joined["position"].is_string(), "{joined}");
        drop(boss);
        let id = stage.direct().notify(status_event("Ready")).await.unwrap();

        let again = stage.connect(admin("pizza")).await.unwrap();
        let answer = resume(&again, json!({ channel: joined["position"] })).await;
        assert_eq!(ids(&answer[channel]), [id.to_string()]);
        assert_eq!(stage.hub.group_count(channel), 1, "resuming joined it");
        let position = answer[channel]["position"].as_str().unwrap();
        let nothing = resume(&again, json!({ channel: position })).await;
        assert!(ids(&nothing[channel]).is_empty());
        assert_eq!(nothing[channel]["lost"], Value::Null);
    }

    #[tokio::test(start_paused = true)]
    async fn while_there_is_more_nothing_new_comes_between() {
        let stage = Stage::new();
        let service = stage.direct();
        let boss = stage.connect_resuming(admin("pizza")).await;
        let mut all = tables(&service, 700).await;
        let (mut seen, mut place) = (Vec::new(), json!({}));
        loop {
            let answer = &resume(&boss, place).await[ADMINS];
            seen.extend(ids(answer));
            if answer["more"] == false {
                break;
            }
            all.extend(tables(&service, 10).await);
            place = json!({ ADMINS: answer["position"] });
        }
        assert_eq!(seen, all);
        let live = tables(&service, 1).await;
        assert_eq!(heard(&boss, 1).await, live);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_resume_after_all_is_given_everything_in_time() {
        let stage = Stage::new();
        let service = stage.direct();
        let boss = stage.connect_resuming(admin("pizza")).await;
        let mut all = tables(&service, 300).await;
        tokio::time::sleep(PATIENCE + Duration::from_secs(1)).await;
        all.extend(tables(&service, 1).await);
        assert_eq!(heard(&boss, 301).await, all);
        let half_way = stage.connect_resuming(admin("pizza")).await;
        let mut rest = tables(&service, 600).await;
        let answer = &resume(&half_way, json!({})).await[ADMINS];
        assert_eq!(answer["more"], true);
        let rest = rest.split_off(ids(answer).len());
        assert_eq!(heard(&half_way, rest.len()).await, rest);
    }

    #[tokio::test(start_paused = true)]
    async fn a_notification_in_several_channels_is_in_one_answer_once() {
        let stage = Stage::new();
        let orders = "tenant:pizza:admins:orders";
        let boss = stage.connect_resuming(admin("pizza")).await;
        let first = stage.direct().notify(status_event("Ready")).await.unwrap();
        let answers = resume(&boss, json!({ orders: first })).await;
        assert_eq!(ids(&answers[ADMINS]), [first.to_string()]);
        let second = stage.direct().notify(status_event("Served")).await.unwrap();
        assert_eq!(heard(&boss, 1).await, [second.to_string()]);
        let third = stage.direct().notify(table_event(true)).await.unwrap();
        assert_eq!(heard(&boss, 1).await, [third.to_string()]);
        let answers = resume(&boss, json!({ orders: first, ADMINS: first })).await;
        let both = [second.to_string(), third.to_string()];
        assert_eq!(ids(&answers[ADMINS]), both);
        assert!(ids(&answers[orders]).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_that_may_not_be_joined_cannot_be_resumed() {
        let stage = Stage::new();
        let service = stage.direct();
        let order = event(json!({"type": "CustomerOrderUpdate", "tenantKey": "pizza",
            "sessionId": SESSION, "orderId": ORDER, "status": "Preparing"}));
        let id = service.notify(order).await.unwrap();
        let own = format!("tenant:pizza:order:{ORDER}");
        let guest = stage.connect(customer("pizza", SESSION)).await.unwrap();
        let answers = resume(&guest, json!({ &own: id, ADMINS: id, "x": id })).await;
        assert_eq!(answers[&own]["lost"], Value::Null);
        for channel in [ADMINS, "x"] {
            assert_eq!(answers[channel]["lost"], "notMember");
        }
        let other = "3f2504e0-4f89-41d3-9a0c-0305e82c33ff";
        let stranger = stage.connect(customer("pizza", other)).await.unwrap();
        let answers = resume(&stranger, json!({ &own: id })).await;
        assert_eq!(answers[&own]["lost"], "notMember");
        assert_eq!(stage.hub.group_count(&own), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn too_old_is_told_from_never_heard_of() {
        let stage = Stage::with(MemoryConfig {
            log: mesahub_broker::LogBounds {
                max_count: 3,
                ..mesahub_broker::LogBounds::default()
            },
        });
        let service = stage.direct();
        let boss = stage.connect(admin("pizza")).await.unwrap();
        let first = tables(&service, 1).await;
        let here = resume(&boss, json!({ ADMINS: first[0] })).await;
        let here = &here[ADMINS]["position"];
        tables(&service, 5).await;
        for (place, reason) in [
            (json!(first[0]), "tooOld"),
            (here.clone(), "tooOld"),
            (json!(NotificationId::now()), "unknownPosition"),
            (json!("somewhere"), "unknownPosition"),
        ] {
            let answer = &resume(&boss, json!({ ADMINS: place })).await[ADMINS];
            assert_eq!(answer["lost"], reason, "{place}");
        }
    }
}
