//! Two clients that behave, to show that what another one does is no concern of theirs.

use serde_json::json;

use crate::support::{Client, Server};

/// One client that is in no group, and one that is in the group `honest`.
pub(crate) struct Honest {
    idle: Client,
    member: Client,
    rounds: u64,
}

impl Honest {
    pub(crate) async fn connect(server: &Server) -> Self {
        let idle = Client::connect(server).await;
        let mut member = Client::connect(server).await;
        member.join(&["honest"]).await;
        Self {
            idle,
            member,
            rounds: 0,
        }
    }

    /// Both are served, and nothing has reached them that was not theirs.
    pub(crate) async fn are_untouched(&mut self, server: &Server, after: &str) {
        self.rounds += 1;
        let sum = self.idle.call("Add", json!([self.rounds, 1])).await;
        assert_eq!(sum, json!(self.rounds + 1), "{after}");
        let group = server.hub.clients().group("honest");
        group.send("Heard", &[after]).await.unwrap();
        self.member.hears(after).await;
    }
}
