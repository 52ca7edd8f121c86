//! Moving a connection on another node into or out of a group, and the word that it is done.

use crate::pack::{PackError, Reader, Writer};

/// Asks whichever server has the connection to change its groups. Layout:
/// `[id, serverName, action, groupName, connectionId]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCommand {
    /// The sender's own number for the command, which the ack repeats.
    pub id: i32,
    /// The sender, to whose ack channel the answer goes.
    pub server_name: String,
    /// What to do.
    pub action: GroupAction,
    /// The group.
    pub group: String,
    /// The connection.
    pub connection_id: String,
}

/// What a [`GroupCommand`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupAction {
    /// Put the connection into the group.
    Add,
    /// Take it out.
    Remove,
}

/// The answer to a [`GroupCommand`], once its effect is in force. Layout: `[id]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The number of the command.
    pub id: i32,
}

impl GroupCommand {
    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let names = [&self.server_name, &self.group, &self.connection_id];
        let mut out = Vec::with_capacity(names.iter().map(|name| name.len() + 5).sum());
        let mut writer = Writer::new(&mut out);
        writer.array(5);
        writer.integer(self.id.into());
        writer.text(&self.server_name);
        writer.integer(match self.action {
            GroupAction::Add => 1,
            GroupAction::Remove => 2,
        });
        writer.text(&self.group);
        writer.text(&self.connection_id);
        out
    }

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// [`PackError`] if it is not a group command.
    pub fn decode(payload: &[u8]) -> Result<Self, PackError> {
        let mut reader = Reader::new(payload);
        reader.array_of("the group command", 5)?;
        Ok(Self {
            id: reader.integer("the command id")?,
            server_name: reader.text("the server name")?.to_owned(),
            action: match reader.integer::<i32>("the group action")? {
                1 => GroupAction::Add,
                2 => GroupAction::Remove,
                _ => {
                    let (what, expected) = ("the group action", "1 or 2");
                    return Err(PackError::Unexpected { what, expected });
                }
            },
            group: reader.text("the group name")?.to_owned(),
            connection_id: reader.text("the connection id")?.to_owned(),
        })
    }
}

impl Ack {
    /// The payload.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(6);
        let mut writer = Writer::new(&mut out);
        writer.array(1);
        writer.integer(self.id.into());
        out
    }

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// [`PackError`] if it is not an ack.
    pub fn decode(payload: &[u8]) -> Result<Self, PackError> {
        let mut reader = Reader::new(payload);
        reader.array_of("the ack", 1)?;
        Ok(Self {
            id: reader.integer("the command id")?,
        })
    }
}
