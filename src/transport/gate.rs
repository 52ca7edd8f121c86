//! The requests to an endpoint, and which of them may carry which connection.

use std::sync::Arc;

use http::{Method, StatusCode};
use mesahub_protocol::TransportKind;
use warp::reply::Response;

use crate::auth::{Authenticator, Principal};
use crate::connection::serve::Guest;
use crate::hub::{ConnectionId, ConnectionToken};
use crate::limits::Handshake;
use crate::transport::application::Application;
use crate::transport::limits::{EndpointLimits, shake_hands};
use crate::transport::negotiate::{Redirection, negotiate};
use crate::transport::options::TransportOptions;
use crate::transport::origin::{Origins, Source};
use crate::transport::pipe::Pipe;
use crate::transport::pipe_link::PipeLink;
use crate::transport::post::{self, Body};
use crate::transport::refusal::{busy, plain, refused};
use crate::transport::request::Request;
use crate::transport::tokens::{Attachment, Denied, Held, Piped, Socketed, Tokens};
use crate::transport::upgrade::Opening;
use crate::transport::{long_polling, server_sent_events, upgrade};

/// An endpoint at work.
pub(crate) struct Gate {
    application: Application,
    authenticator: Arc<dyn Authenticator>,
    origins: Origins,
    transports: Vec<TransportKind>,
    options: TransportOptions,
    redirection: Option<Arc<Redirection>>,
    limits: EndpointLimits,
    tokens: Arc<Tokens>,
}

/// What becomes of a request to the hub's own path.
enum Answer {
    Now(Box<Response>),
    /// It is a poll, and waits.
    Poll(Arc<Pipe>),
    /// It brings bytes, which may have to wait.
    Post(Arc<Pipe>),
}

type Refusal = Box<Response>;

impl Gate {
    pub(crate) fn new(
        application: Application,
        authenticator: Arc<dyn Authenticator>,
        origins: Origins,
        transports: Vec<TransportKind>,
        options: TransportOptions,
        redirection: Option<Arc<Redirection>>,
        limits: EndpointLimits,
    ) -> Self {
        Self {
            application,
            authenticator,
            origins,
            transports,
            options,
            redirection,
            limits,
            tokens: Arc::new(Tokens::new(options)),
        }
    }

    /// Answers a request to the negotiate path.
    pub(crate) async fn negotiate(&self, request: &Request) -> Response {
        if request.method == Method::OPTIONS {
            return self.origins.preflight(&request.headers);
        }
        let response = if request.method == Method::POST {
            match self.admit(request, true).await {
                Ok(_) if self.application.node().is_leaving() => leaving(),
                Ok(principal) => negotiate(
                    &self.tokens,
                    &self.transports,
                    self.redirection.as_deref(),
                    &request.query,
                    &principal,
                    self.application.new_id(),
                    || self.limits.enter(request.address, &principal),
                ),
                Err(refusal) => *refusal,
            }
        } else {
            plain(StatusCode::METHOD_NOT_ALLOWED, "")
        };
        self.origins.source(&request.headers).allow(response)
    }

    /// Answers a request to the endpoint's own path. A poll that waits keeps nothing of its
    /// request but where it came from.
    pub(crate) async fn connect(&self, request: Request, body: Body) -> Response {
        if request.method == Method::OPTIONS {
            return self.origins.preflight(&request.headers);
        }
        let source = self.origins.source(&request.headers);
        let admitted = self.admit(&request, request.id().is_none()).await;
        let answer = admitted
            .and_then(|principal| self.decide(request, principal))
            .unwrap_or_else(Answer::Now);
        let response = match answer {
            Answer::Now(response) => *response,
            Answer::Post(pipe) => post::respond(&pipe, body).await,
            Answer::Poll(pipe) => {
                drop(body);
                let _carrying = self.application.node().carry();
                long_polling::uncached(long_polling::respond(pipe).await)
            }
        };
        source.allow(response)
    }

    fn decide(&self, request: Request, principal: Principal) -> Result<Answer, Refusal> {
        match request.method {
            Method::GET if server_sent_events::is_asked_for(&request.headers) => {
                self.event_stream(&request, principal)
            }
            Method::GET if upgrade::is_asked_for(&request.headers) => {
                self.web_socket(request, principal)
            }
            Method::GET => self
                .poll(&request, principal)
                .map_err(|refusal| Box::new(long_polling::uncached(*refusal))),
            Method::POST => self.post(&request, &principal),
            Method::DELETE => self.delete(&request, &principal),
            _ => Err(Box::new(plain(StatusCode::METHOD_NOT_ALLOWED, ""))),
        }
    }

    /// Who asks. Somebody new is looked at only if there is room for anybody.
    async fn admit(&self, request: &Request, is_new: bool) -> Result<Principal, Refusal> {
        if is_new {
            self.limits.check().map_err(|it| Box::new(refused(it)))?;
        }
        let authenticated = request.authenticate(&*self.authenticator).await;
        authenticated
            .map_err(|error| Box::new(self.limits.unauthenticated(request.address, &error)))
    }

    fn web_socket(&self, mut request: Request, principal: Principal) -> Result<Answer, Refusal> {
        if self.origins.source(&request.headers) == Source::Foreign {
            tracing::info!(
                endpoint = self.application.name(),
                "refused a WebSocket from a foreign origin"
            );
            let text = "This origin may not connect";
            return Err(Box::new(plain(StatusCode::FORBIDDEN, text)));
        }
        let accepted = upgrade::accept(&request.headers)?;
        let Some(upgrade) = request.upgrade.take() else {
            let text = "This connection cannot be upgraded";
            return Err(Box::new(plain(StatusCode::BAD_REQUEST, text)));
        };
        let resumes = request.resumes_first();
        let socketed = match request.id() {
            None if self.application.node().is_leaving() => return Err(Box::new(leaving())),
            None => {
                self.permit(TransportKind::WebSockets)?;
                self.tokens.forget_stale();
                let id = self.application.new_id();
                let user = principal.user_key().map(Into::into);
                let place = self.limits.enter(request.address, &principal);
                let place = place.map_err(|it| denied(Denied::Refused(it)))?;
                let handshake = shake_hands(place.as_ref());
                let handshake = handshake.map_err(|it| denied(Denied::Refused(it)))?;
                Socketed::New {
                    id,
                    stateful: None,
                    handshake,
                    attachment: self.tokens.claim(id, user, place),
                }
            }
            Some(_) => {
                let (token, user) = self.identify(&request, &principal)?;
                self.permit(TransportKind::WebSockets)?;
                let attached = self.tokens.attach_socket(token, user.as_deref());
                attached.map_err(denied)?
            }
        };
        let opening = Opening {
            upgrade,
            limit: self.application.largest_message(),
            options: self.options,
        };
        let tasks = self.application.node().tasks();
        match socketed {
            Socketed::New {
                id,
                stateful,
                handshake,
                attachment,
            } => {
                let application = self.application.clone();
                let guest = guest(id, principal, resumes, handshake);
                tasks.spawn(opening.start(application, guest, stateful, attachment));
            }
            Socketed::Next(sending) => {
                if let Some(connection) = sending.connection() {
                    connection.renew(self.application.expiry(&principal));
                }
                tasks.spawn(opening.hand_over(sending));
            }
        }
        Ok(Answer::Now(Box::new(accepted)))
    }

    fn event_stream(&self, request: &Request, principal: Principal) -> Result<Answer, Refusal> {
        let kind = TransportKind::ServerSentEvents;
        let (token, user) = self.identify(request, &principal)?;
        self.permit(kind)?;
        let attached = self.tokens.attach_pipe(token, user.as_deref(), kind);
        let Piped::New {
            id,
            pipe,
            handshake,
            attachment,
        } = attached.map_err(denied)?
        else {
            return Err(denied(Denied::InUse));
        };
        let guest = guest(id, principal, request.resumes_first(), handshake);
        self.begin(kind, guest, Arc::clone(&pipe), attachment);
        let turn = pipe.first_turn();
        Ok(Answer::Now(Box::new(server_sent_events::respond(
            turn,
            self.application.node().carry(),
        ))))
    }

    fn poll(&self, request: &Request, principal: Principal) -> Result<Answer, Refusal> {
        let kind = TransportKind::LongPolling;
        let (token, user) = self.identify(request, &principal)?;
        self.permit(kind)?;
        let attached = self.tokens.attach_pipe(token, user.as_deref(), kind);
        match attached.map_err(denied)? {
            Piped::New {
                id,
                pipe,
                handshake,
                attachment,
            } => {
                let guest = guest(id, principal, request.resumes_first(), handshake);
                self.begin(kind, guest, pipe, attachment);
                let first = long_polling::uncached(long_polling::first());
                Ok(Answer::Now(Box::new(first)))
            }
            Piped::Known(pipe) => {
                if let Some(connection) = pipe.connection() {
                    connection.renew(self.application.expiry(&principal));
                }
                Ok(Answer::Poll(pipe))
            }
        }
    }

    fn post(&self, request: &Request, principal: &Principal) -> Result<Answer, Refusal> {
        let (token, user) = self.identify(request, principal)?;
        match self.tokens.held_by(token, user.as_deref(), true) {
            Ok(Held::Pipe(pipe)) => Ok(Answer::Post(pipe)),
            Ok(Held::Socket | Held::Nothing) => Err(Box::new(plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "POST requests are not allowed for WebSocket connections.",
            ))),
            Err(reason) => Err(denied(reason)),
        }
    }

    fn delete(&self, request: &Request, principal: &Principal) -> Result<Answer, Refusal> {
        let (token, user) = self.identify(request, principal)?;
        match self.tokens.held_by(token, user.as_deref(), false) {
            Ok(Held::Pipe(pipe)) if pipe.is_polled() => {
                pipe.leave();
                Ok(Answer::Now(Box::new(plain(StatusCode::ACCEPTED, ""))))
            }
            Ok(_) => Err(Box::new(plain(
                StatusCode::BAD_REQUEST,
                "Cannot terminate this connection using the DELETE endpoint.",
            ))),
            Err(reason) => Err(denied(reason)),
        }
    }

    /// Starts the life of a connection that requests carry.
    fn begin(&self, kind: TransportKind, guest: Guest, pipe: Arc<Pipe>, attachment: Attachment) {
        let link = PipeLink::new(pipe, kind);
        self.application.clone().start(guest, link, attachment);
    }

    /// Whose connection a request names, if the user may name it.
    fn identify(
        &self,
        request: &Request,
        principal: &Principal,
    ) -> Result<(ConnectionToken, Option<String>), Refusal> {
        let Some(id) = request.id() else {
            let refusal = plain(StatusCode::BAD_REQUEST, "Connection ID required");
            return Err(Box::new(refusal));
        };
        let user = principal.user_key();
        let token = id
            .parse::<ConnectionToken>()
            .map_err(|_| denied(Denied::Unknown))?;
        self.tokens.knows(token, user.as_deref()).map_err(denied)?;
        Ok((token, user))
    }

    /// Refuses a transport that this endpoint does not serve.
    fn permit(&self, kind: TransportKind) -> Result<(), Refusal> {
        if self.transports.contains(&kind) {
            return Ok(());
        }
        let text = match kind {
            TransportKind::WebSockets => {
                "WebSockets transport not supported by this end point type"
            }
            TransportKind::ServerSentEvents => {
                "ServerSentEvents transport not supported by this end point type"
            }
            TransportKind::LongPolling => {
                "LongPolling transport not supported by this end point type"
            }
        };
        Err(Box::new(plain(StatusCode::NOT_FOUND, text)))
    }
}

fn guest(
    id: ConnectionId,
    principal: Principal,
    resumes_first: bool,
    handshake: Option<Handshake>,
) -> Guest {
    Guest {
        id,
        principal: Arc::new(principal),
        resumes_first,
        handshake,
    }
}

fn denied(reason: Denied) -> Refusal {
    Box::new(match reason {
        Denied::Unknown => plain(StatusCode::NOT_FOUND, "No Connection with that ID"),
        Denied::InUse => plain(StatusCode::CONFLICT, ""),
        Denied::OtherUser => plain(
            StatusCode::FORBIDDEN,
            "This connection belongs to another user",
        ),
        Denied::OtherTransport => plain(
            StatusCode::BAD_REQUEST,
            "Cannot change transports mid-connection",
        ),
        Denied::TooEarly => busy("Too many connections have sent before they connected", 5),
        Denied::Refused(refusal) => refused(refusal),
    })
}

/// Whoever has negotiated already may still come, and is sent away with the others.
fn leaving() -> Response {
    busy("This server is stopping", 1)
}
