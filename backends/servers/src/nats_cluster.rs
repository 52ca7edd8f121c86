//! A private cluster of NATS servers.

use tokio::task::JoinSet;

use crate::{NatsOptions, NatsServer, ServerError, free_ports};

/// Servers that know each other, each like a private one. JetStream needs more than half of them.
#[derive(Debug)]
pub struct NatsCluster {
    /// The servers, in no order.
    pub servers: Vec<NatsServer>,
}

impl NatsCluster {
    /// Starts so many, each with these options.
    ///
    /// # Errors
    /// When one does not serve.
    pub async fn start(size: usize, options: &NatsOptions) -> Result<Self, ServerError> {
        let (clients, routes) = (free_ports(size)?, free_ports(size)?);
        let all: Vec<String> = routes
            .iter()
            .map(|port| format!("\"nats://127.0.0.1:{port}\""))
            .collect();
        let all = all.join(", ");
        let mut starting = JoinSet::new();
        for (client, route) in clients.into_iter().zip(routes) {
            let mut options = options.clone();
            options.configuration += &format!(
                "\nserver_name: \"server-{client}\"\n\
                 cluster {{ name: \"test\", listen: \"127.0.0.1:{route}\", routes: [{all}] }}\n"
            );
            // At once: none serves JetStream before the others are there.
            starting.spawn(NatsServer::start_at(client, options));
        }
        let servers = starting
            .join_all()
            .await
            .into_iter()
            .collect::<Result<_, _>>()?;
        Ok(Self { servers })
    }
}
