//! The socket below a transport: bare TCP, which any thread may write to, or any other stream.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::hub::outbox::Wire;

/// A socket that is read by one task and written by whoever sends.
pub(crate) struct Socket(Kind);

enum Kind {
    Tcp(TcpStream),
    /// A stream that only works through wakers, such as TLS: behind a lock, and always polled
    /// with the waker of the connection's task.
    Stream(Box<Mutex<Shared>>),
}

struct Shared {
    stream: Pin<Box<dyn Stream>>,
    task: Waker,
}

trait Stream: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

impl Socket {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        Self(Kind::Tcp(stream))
    }

    pub(crate) fn stream(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let shared = Shared {
            stream: Box::pin(stream),
            task: Waker::noop().clone(),
        };
        Self(Kind::Stream(Box::new(Mutex::new(shared))))
    }

    /// Reads what is there. `WouldBlock` registers the task for when more arrives.
    pub(crate) fn read(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.0 {
            Kind::Tcp(stream) => loop {
                match stream.try_read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    done => return done,
                }
                match stream.poll_read_ready(context) {
                    Poll::Ready(ready) => ready?,
                    Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
                }
            },
            Kind::Stream(shared) => {
                let mut buffer = ReadBuf::new(buffer);
                match shared
                    .lock()
                    .stream
                    .as_mut()
                    .poll_read(context, &mut buffer)
                {
                    Poll::Ready(done) => done.map(|()| buffer.filled().len()),
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
        }
    }

    /// Shows the peer that nothing more is written. What it sends can still be read.
    pub(crate) fn finish_writing(&self) {
        // A socket that is gone has nobody to show it to.
        match &self.0 {
            Kind::Tcp(stream) => {
                let _ = SockRef::from(stream).shutdown(Shutdown::Write);
            }
            Kind::Stream(shared) => {
                let mut shared = shared.lock();
                let task = shared.task.clone();
                let mut context = Context::from_waker(&task);
                let _ = shared.stream.as_mut().poll_shutdown(&mut context);
            }
        }
    }

    /// Waits until it may be worth writing again.
    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Kind::Tcp(stream) => stream.poll_write_ready(context),
            Kind::Stream(shared) => {
                let mut shared = shared.lock();
                if shared.task.will_wake(context.waker()) {
                    // The write that would have blocked has registered this very waker.
                    return Poll::Pending;
                }
                shared.task.clone_from(context.waker());
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl Wire for Socket {
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        match (&self.0, buffers) {
            (Kind::Tcp(stream), [one]) => stream.try_write(one),
            (Kind::Tcp(stream), several) => stream.try_write_vectored(several),
            (Kind::Stream(shared), buffers) => {
                let mut shared = shared.lock();
                let task = shared.task.clone();
                let mut context = Context::from_waker(&task);
                let first = buffers.iter().find(|buffer| !buffer.is_empty());
                let Some(first) = first else { return Ok(0) };
                let written = shared.stream.as_mut().poll_write(&mut context, first);
                // A stream that buffers has to be asked to pass its bytes on.
                let flushed = shared.stream.as_mut().poll_flush(&mut context);
                match (written, flushed) {
                    (Poll::Ready(Ok(_)), Poll::Ready(Err(error))) => Err(error),
                    (Poll::Ready(done), _) => done,
                    (Poll::Pending, _) => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
        }
    }
}
