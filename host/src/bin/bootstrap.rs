//! The Lambda function: takes rotation events from Lambda's Runtime API and runs their steps.
//!
//! A mistake in the function's configuration is reported with every event rather than once at the
//! start: that is where the operator looks, in the failed rotation. Each failed event has one line at
//! ERROR in the log, with its `error_type`, so that alarms may count them.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use tracing::Instrument;
use tracing::level_filters::LevelFilter;
use windlass::config::{self, Config};
use windlass::handler::{self, Handler};
use windlass::logging::{self, Reader};
use windlass::sandbox::{InstalledPlugins, Runtime};
use windlass::store::aws::AwsStore;
use windlass::{Error, ErrorType, aws, inventory, panics};

/// Where plugins of a layer are.
const LAYER_PLUGINS: &str = "/opt/plugins";

/// One event at a time and everything waits on the network: a second thread would only cost start.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    logging::init(Reader::Machine, None, LevelFilter::INFO);
    panics::report_places_only();
    let handler = Arc::new(prepare().await);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let handler = Arc::clone(&handler);
        async move {
            handler::runs_as(&event.context.invoked_function_arn);
            let remaining = remaining(event.context.deadline);
            // Every line of this invocation carries its id, those of plugins too, whatever the
            // level: a span of a finer one goes with the lines of its level.
            let invocation =
                tracing::error_span!("invocation", request_id = event.context.request_id);
            let handler = handler.as_ref().as_ref().map_err(|report| {
                // What a step comes to, the handler logs.
                invocation.in_scope(|| {
                    tracing::error!(error_type = report.error_type.as_str(), "{}", report.message);
                });
                report.clone()
            })?;
            let step = handler.handle(&event.payload, Some(remaining));
            match panics::caught(step.instrument(invocation)).await {
                Ok(outcome) => {
                    outcome.map(|outcome| outcome.to_string()).map_err(|error| Report::new(&error))
                }
                // The runtime would catch it, too, and tell its words.
                Err(panicked) => {
                    Err(Report { error_type: panicked.error_type(), message: panicked.to_string() })
                }
            }
        }
    }))
    .await
}

/// What Lambda gets about a failure.
#[derive(Debug, Clone)]
struct Report {
    error_type: ErrorType,
    message: String,
}

impl Report {
    fn new(error: &Error) -> Self {
        Self { error_type: error.error_type(), message: error.report() }
    }
}

impl From<Report> for Diagnostic {
    fn from(report: Report) -> Self {
        Self { error_type: report.error_type.as_str().to_owned(), error_message: report.message }
    }
}

async fn prepare() -> Result<Handler<AwsStore>, Report> {
    let usual = package().map(|package| package.join(config::FILE_NAME));
    let config =
        Config::load(None, usual.as_deref()).map_err(|error| Report::new(&error.into()))?;
    let sandbox = config.sandbox(runtime_api()?, on_lambda());
    let runtime = Runtime::new().map_err(|error| Report::new(&error.into()))?;
    let plugins = InstalledPlugins::open(&runtime, &plugin_folders(&config), sandbox)
        .await
        .map_err(|error| Report::new(&error.into()))?;
    let endpoint = config.endpoint.as_deref();
    let client = aws::client::for_lambda(endpoint, ca_bundle().as_deref()).map_err(|error| {
        Report { error_type: ErrorType::Configuration, message: error.to_string() }
    })?;
    let inventory = inventory::lambda::for_lambda((&client, endpoint), ca_bundle());
    let store = AwsStore::new(client, endpoint);
    Ok(Handler::new(store, inventory, plugins, config.rotation))
}

/// The addresses of the runtime API, which no plugin may reach.
fn runtime_api() -> Result<Vec<SocketAddr>, Report> {
    let Some(api) = variable("AWS_LAMBDA_RUNTIME_API") else { return Ok(Vec::new()) };
    let resolved = api.to_socket_addrs().map_err(|error| Report {
        error_type: ErrorType::RuntimeApi,
        message: format!("AWS_LAMBDA_RUNTIME_API does not resolve: {error}"),
    })?;
    Ok(resolved.collect())
}

/// Beside the function's own code, and in layers.
fn plugin_folders(config: &Config) -> Vec<PathBuf> {
    if !config.plugin_folders.is_empty() {
        return config.plugin_folders.clone();
    }
    let mut folders = vec![PathBuf::from(LAYER_PLUGINS)];
    folders.extend(package().map(|package| package.join("plugins")));
    folders
}

/// Where the deployment package is unpacked.
fn package() -> Option<PathBuf> {
    let beside_us = || std::env::current_exe().ok()?.parent().map(PathBuf::from);
    variable("LAMBDA_TASK_ROOT").map(PathBuf::from).or_else(beside_us)
}

/// `AWS_CA_BUNDLE`, as the AWS tools know it, is for AWS's services; `WINDLASS_CA_BUNDLE` is for
/// the services.
fn ca_bundle() -> Option<PathBuf> {
    variable("AWS_CA_BUNDLE").map(PathBuf::from)
}

/// Lambda sets these and its emulators don't.
fn on_lambda() -> bool {
    variable("LAMBDA_TASK_ROOT").is_some() || variable("AWS_LAMBDA_INITIALIZATION_TYPE").is_some()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn remaining(deadline_ms: u64) -> Duration {
    let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(deadline_ms);
    deadline.duration_since(SystemTime::now()).unwrap_or_default()
}
