//! A pipe as the life of a connection sees it.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use mesahub_protocol::{TransferFormat, TransportKind};

use crate::connection::{Link, Received};
use crate::hub::carrier::Carrier;
use crate::hub::frame::Form;
use crate::hub::outbox::Wire;
use crate::hub::upkeep::Upkeep;
use crate::hub::{Connection, Ending};
use crate::transport::pipe::Pipe;

/// The life's end of a pipe. When it is dropped the connection is over: an event stream ends after
/// what is queued, and a poll is told.
pub(crate) struct PipeLink {
    pipe: Arc<Pipe>,
    kind: TransportKind,
}

impl PipeLink {
    pub(crate) fn new(pipe: Arc<Pipe>, kind: TransportKind) -> Self {
        pipe.settle(kind);
        Self { pipe, kind }
    }
}

impl Link for PipeLink {
    fn carrier(&self) -> Carrier {
        Carrier {
            transport: self.kind,
            wire: Arc::clone(&self.pipe) as Arc<dyn Wire>,
            form: Form::Raw,
            upkeep: Some(Arc::clone(&self.pipe) as Arc<dyn Upkeep>),
            at_once: self.pipe.options().transport_buffer,
            send_timeout: u64::MAX,
        }
    }

    fn admitted(&self, connection: &Arc<Connection>) {
        self.pipe.belong(connection);
    }

    fn formats(&self) -> &'static [TransferFormat] {
        self.kind.transfer_formats()
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        self.pipe
            .incoming()
            .poll_read(context)
            .map(|bytes| bytes.map_or(Received::Closed(Bytes::new()), Received::Chunk))
    }

    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_room(context).map(Ok)
    }

    fn farewell(&self) -> Bytes {
        Bytes::new()
    }

    fn stop_receiving(&self) {
        self.pipe.incoming().refuse();
    }

    fn finish(&self, ending: &Ending) {
        // No poll comes after the last one of a server that stops.
        self.pipe.finish(*ending == Ending::Shutdown);
    }

    fn patience(&self, ending: &Ending) -> Duration {
        if self.pipe.is_polled() && *ending != Ending::Shutdown {
            self.pipe.options().disconnect_timeout
        } else {
            self.pipe.options().close_timeout
        }
    }
}

impl Drop for PipeLink {
    fn drop(&mut self) {
        self.pipe.incoming().end();
        self.pipe.finish(false);
    }
}
