//! `windlass local`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use windlass_secrets_manager::server::{self, InvokeError, LambdaEndpoint, Settings, StepInvoker};
use windlass_secrets_manager::{DatabaseError, EmbeddedStore, Identity, ServiceError};

use super::CommandError;
use super::output::Output;
use super::setup::{Account, PluginArgs, TimeArgs};
use crate::handler::Handler;
use crate::store::embedded::Redaction;

/// Serve an embedded Secrets Manager on loopback, for development and tests.
///
/// It speaks Secrets Manager's protocol, so `aws --endpoint-url`, boto3 and every SDK work against
/// it. RotateSecret really rotates: with the plugins, in this process, or by invoking a function.
/// Credentials are not checked, and secret values stand in the file in clear.
#[derive(Debug, Args)]
pub(super) struct Local {
    /// The file that holds the secrets; made if it does not exist
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// The region in the ARNs of a new store [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The account in the ARNs of a new store, twelve digits [default: 123456789012]
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    account: Option<String>,
    /// Where to listen; loopback only. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4567")]
    listen: SocketAddr,
    /// Rotate by invoking the function behind this endpoint, as Secrets Manager does, instead of
    /// in this process: the address of Lambda's Runtime Interface Emulator, say
    #[arg(long, value_name = "URL")]
    lambda_endpoint: Option<String>,
    /// Rotate nothing: RotateSecret only registers the rotation, and whoever asked runs its steps
    #[arg(long, conflicts_with = "lambda_endpoint")]
    external_rotation: bool,
    #[command(flatten)]
    plugins: PluginArgs,
    #[command(flatten)]
    time: TimeArgs,
}

impl Local {
    /// A store that there is keeps its region and account: they stand in its ARNs.
    fn open_store(&self) -> Result<EmbeddedStore, ServiceError> {
        let usual = Identity::default();
        let wanted = Identity {
            region: self.region.clone().unwrap_or(usual.region),
            account: self.account.clone().unwrap_or(usual.account),
        };
        let store = EmbeddedStore::open_as(&self.store, wanted)?;
        let Identity { region, account } = store.identity()?;
        let differs = |option: &Option<String>, kept: &str| {
            option.as_ref().is_some_and(|option| option != kept)
        };
        if differs(&self.region, &region) || differs(&self.account, &account) {
            let path = self.store.clone();
            return Err(DatabaseError::OtherIdentity { path, region, account }.into());
        }
        Ok(store)
    }

    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        let store = self.open_store().map_err(|error| CommandError::operator(error.to_string()))?;
        let store = Arc::new(store);
        let invoker: Option<Arc<dyn StepInvoker>> = match &self.lambda_endpoint {
            _ if self.external_rotation => None,
            Some(url) => Some(Arc::new(
                LambdaEndpoint::new(url)
                    .map_err(|error| CommandError::operator(error.to_string()))?,
            )),
            None => {
                let config = self.plugins.config()?;
                let plugins = self.plugins.load(&config).await?;
                let (store, inventory) = (Arc::clone(&store), Account::default().inventory());
                Some(Arc::new(InProcess {
                    handler: Handler::new(store, inventory, plugins, config.rotation),
                    time: self.time,
                }))
            }
        };
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            CommandError::operator(format!("failed to listen on {}: {error}", self.listen))
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| CommandError::internal(format!("no local address: {error}")))?;
        output.line(format!("Secrets Manager on http://{address} (end with Ctrl-C)"));
        output.object(&json!({ "endpoint": format!("http://{address}") }));
        let settings = Settings::new(Arc::new(Redaction), invoker);
        server::serve(listener, &store, settings, tokio::signal::ctrl_c())
            .await
            .map_err(|error| CommandError::operator(format!("serving failed: {error}")))
    }
}

/// Twelve digits.
fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.chars().all(|c| c.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err("an account is twelve digits, such as 123456789012".to_owned())
}

/// Rotates in this process.
struct InProcess {
    handler: Handler<Arc<EmbeddedStore>>,
    time: TimeArgs,
}

impl StepInvoker for InProcess {
    fn invoke<'a>(
        &'a self,
        event: Value,
    ) -> Pin<Box<dyn Future<Output = Result<(), InvokeError>> + Send + 'a>> {
        Box::pin(async move {
            let answer = self.handler.handle(&event, Some(self.time.of_step())).await;
            answer.map(drop).map_err(|error| InvokeError {
                error_type: error.error_type().as_str().to_owned(),
                message: error.report(),
            })
        })
    }
}
