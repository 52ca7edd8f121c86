//! Building a hub from handlers.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::auth::Policy;
use crate::hub::aspnetcore::{AspNetCore, Names};
use crate::hub::cluster::Answering;
use crate::hub::dispatch::{Dispatcher, Registered};
use crate::hub::error::HubBuildError;
use crate::hub::extract::States;
use crate::hub::filter::HubFilter;
use crate::hub::handler::{Handler, Method, erase};
use crate::hub::instance::{Hub, Inner};
use crate::hub::lifecycle::Lifecycle;
use crate::hub::node::Node;
use crate::hub::options::{HubOptions, Wire};
use crate::hub::registry::Registry;
use crate::hub::results::Results;
use crate::hub::topics::Topics;
use crate::hub::wheel::Deadlines;

/// Asks at build time whether a handler's state was given.
type Missing = fn(&States) -> Option<&'static str>;

/// Collects the handlers, the state and the options of a hub.
#[must_use = "a builder does nothing before `build`"]
pub struct HubBuilder {
    name: String,
    options: HubOptions,
    states: States,
    methods: Vec<Registered>,
    needs: Vec<(String, Missing)>,
    on_connected: Option<Box<dyn Method>>,
    on_disconnected: Option<Box<dyn Method>>,
    filters: Vec<Box<dyn HubFilter>>,
    keeps_log: fn(&str) -> bool,
}

impl HubBuilder {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            options: HubOptions::default(),
            states: States::default(),
            methods: Vec::new(),
            needs: Vec::new(),
            on_connected: None,
            on_disconnected: None,
            filters: Vec::new(),
            keeps_log: |_| false,
        }
    }

    /// Sets limits and deadlines.
    pub fn options(mut self, options: HubOptions) -> Self {
        self.options = options;
        self
    }

    /// Says which groups a log keeps, as [`SendOptions::log`](crate::hub::SendOptions::log) has it:
    /// whoever joins one follows it from the start, see [`Caller::follow`](crate::hub::Caller::follow).
    /// A group that it does not name is followed from the first message that a log keeps.
    pub fn keeps_log(mut self, keeps_log: fn(&str) -> bool) -> Self {
        self.keeps_log = keeps_log;
        self
    }

    /// Gives the handlers a state, one per type; a later one of the same type replaces it.
    pub fn with_state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        self.states.insert(state);
        self
    }

    /// Adds a method that clients call by this name, in any case.
    pub fn method<M: 'static, H: Handler<M>>(self, name: &str, handler: H) -> Self {
        self.add(name, None, handler)
    }

    /// Adds a method that only principals whom the policy allows may call.
    pub fn method_for<M: 'static, H: Handler<M>>(
        self,
        policy: Policy,
        name: &str,
        handler: H,
    ) -> Self {
        self.add(name, Some(policy), handler)
    }

    /// Runs once for each connection after its handshake and before its first message is read. If
    /// it fails the connection is closed.
    pub fn on_connected<M: 'static, H: Handler<M>>(mut self, handler: H) -> Self {
        const {
            assert!(
                H::SHAPE.arguments + H::SHAPE.uploads == 0,
                "a lifecycle handler is not called with arguments"
            )
        };
        self.needs.push(("on_connected".to_owned(), H::missing));
        self.on_connected = Some(erase(handler));
        self
    }

    /// Runs once for each connection that was registered, when it has ended, while it can still
    /// be found; takes [`crate::hub::Ended`] for the reason.
    pub fn on_disconnected<M: 'static, H: Handler<M>>(mut self, handler: H) -> Self {
        const {
            assert!(
                H::SHAPE.arguments + H::SHAPE.uploads == 0,
                "a lifecycle handler is not called with arguments"
            )
        };
        self.needs.push(("on_disconnected".to_owned(), H::missing));
        self.on_disconnected = Some(erase(handler));
        self
    }

    /// Wraps every invocation, connect and disconnect; inside the filters that were added before.
    pub fn filter(mut self, filter: impl HubFilter) -> Self {
        self.filters.push(Box::new(filter));
        self
    }

    /// Builds the hub on a node.
    ///
    /// # Errors
    /// When a name is used twice or unusable, or a handler needs state that was not given.
    pub fn build(self, node: &Arc<Node>) -> Result<Hub, HubBuildError> {
        let mut names = HashSet::new();
        for registered in &self.methods {
            if !names.insert(registered.name.to_ascii_lowercase()) {
                return Err(HubBuildError::DuplicateMethod(registered.name.to_string()));
            }
        }
        for (method, missing) in &self.needs {
            if let Some(state) = missing(&self.states) {
                return Err(HubBuildError::MissingState {
                    method: method.clone(),
                    state,
                });
            }
        }
        let (prefix, is_official) = match &self.options.wire {
            Wire::Mesahub => (&self.name, false),
            Wire::AspNetCore { hub_type_name } => (hub_type_name, true),
        };
        let topics = Topics::new(prefix)?;
        let official = is_official.then(|| Names::new(prefix, node.id()));
        let official = official.transpose()?;
        let states = Arc::new(self.states);
        let filters: Arc<[Box<dyn HubFilter>]> = self.filters.into();
        Ok(Hub::open(|hub| Inner {
            aspnetcore: official.map(|names| AspNetCore::join(Weak::clone(hub), names, node)),
            answering: Arc::new(Answering::new(Weak::clone(hub))),
            service: format!("hub:{}", self.name),
            name: self.name,
            deadlines: Arc::new(Deadlines {
                handshake: milliseconds(self.options.handshake_timeout),
                keep_alive: milliseconds(self.options.keep_alive_interval),
                client_timeout: milliseconds(self.options.client_timeout_interval),
            }),
            topics,
            registry: Arc::new(Registry::new(
                Arc::clone(node.membership()),
                Arc::clone(node.counters()),
            )),
            traffic: Arc::default(),
            dispatcher: Dispatcher::new(
                self.methods,
                Arc::clone(&states),
                Arc::clone(&filters),
                &self.options,
            ),
            results: Results::default(),
            lifecycle: Lifecycle {
                on_connected: self.on_connected,
                on_disconnected: self.on_disconnected,
                states,
                filters,
            },
            options: self.options,
            keeps_log: self.keeps_log,
            node: Arc::clone(node),
        }))
    }

    fn add<M: 'static, H: Handler<M>>(
        mut self,
        name: &str,
        policy: Option<Policy>,
        handler: H,
    ) -> Self {
        self.needs.push((name.to_owned(), H::missing));
        self.methods.push(Registered {
            name: name.into(),
            method: erase(handler),
            policy,
        });
        self
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
