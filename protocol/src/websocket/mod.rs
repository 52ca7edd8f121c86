//! WebSocket frames (RFC 6455), as a server reads them and answers control frames.
//!
//! ```text
//!   bytes of the socket ──► Reader ──► payload, as it arrives ──► FrameReader
//!                             │
//!                             ├──► ping, close ──► pong_frame, close_frame
//!                             └──► Violation ──► close_frame with its status
//! ```
//!
//! Neither a frame nor a message is ever gathered: SignalR has its own framing inside, whose limit
//! counts one hub message however many frames it comes in, and however many come in one frame. So
//! a length that is announced costs nothing, and no bound on frames is needed.

pub mod answer;
mod mask;
pub mod reader;
pub mod status;
mod utf8;
pub mod violation;

pub use answer::{close_frame, pong_frame};
pub use reader::{Event, Reader, Step};
pub use status::CloseStatus;
pub use violation::Violation;
