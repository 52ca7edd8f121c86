//! Reads the queue in which a node is asked and answered, and told of what was dropped.

use std::convert::Infallible;

use bytes::Bytes;
use lapin::types::ShortString;

use crate::error::LinkError;
use crate::framing::{Frame, decode};
use crate::intake::Intake;
use crate::member::Member;

/// Reads until the connection is lost, or until RabbitMQ has dropped something that was for this
/// node: then the connection is made anew, behind a gap.
pub(crate) async fn read(member: &Member, mut intake: Intake) -> Result<Infallible, LinkError> {
    loop {
        let delivery = intake.next().await?;
        let tag = delivery.delivery_tag;
        let body = Bytes::from(delivery.data);
        match decode(&body) {
            Some(Frame::Question {
                number,
                reply_to,
                topic,
            }) => answer(member, number, reply_to, topic).await,
            Some(Frame::Answer { number, listens }) => member.questions.answered(number, listens),
            Some(Frame::Live { .. } | Frame::Fence { .. }) => return Err(LinkError::Dropped),
            _ => tracing::warn!("dropped what another software has published"),
        }
        intake.done(tag);
    }
}

async fn answer(member: &Member, number: u64, reply_to: &str, topic: &str) {
    let answer = Frame::Answer {
        number,
        listens: member.table.contains(topic),
    };
    let (exchange, key) = (ShortString::default(), reply_to.to_owned().into());
    let told = match member.outgoing() {
        Ok(outgoing) => outgoing.tell(&exchange, key, &answer).await,
        Err(error) => Err(error),
    };
    if let Err(error) = told {
        // Whoever has asked runs into a timeout, and is told so.
        tracing::debug!(%error, "a question could not be answered");
    }
}
