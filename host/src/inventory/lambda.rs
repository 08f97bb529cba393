//! The inventory of the Lambda function.

use std::path::PathBuf;

use aws_config::SdkConfig;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Region, SharedCredentialsProvider};

use super::aws::{Access, AwsInventory, Names};
use crate::aws::client;
use crate::aws::variants::Variants;

/// The services that are asked about databases, for the Lambda function: at AWS's own endpoints or
/// those of [`DatabaseService::endpoint_variable`](super::DatabaseService::endpoint_variable).
///
/// Secrets Manager's client lends its HTTP client, with the roots that it has read, where both
/// talk TLS. `secrets_manager` is that client and its endpoint, `ca_bundle` as in [`client::for_lambda`].
pub fn for_lambda(
    secrets_manager: (&Client, Option<&str>),
    ca_bundle: Option<PathBuf>,
) -> AwsInventory {
    let (secrets_manager, other_endpoint) = secrets_manager;
    let lent = secrets_manager
        .config()
        .http_client()
        .filter(|_| !other_endpoint.is_some_and(client::is_plain));
    AwsInventory::connecting(Names::from_process(), move |service| {
        let (endpoint, ca_bundle, lent) = (service.endpoint(), ca_bundle.clone(), lent.clone());
        Box::pin(async move {
            let http_client =
                match lent.filter(|_| !endpoint.as_deref().is_some_and(client::is_plain)) {
                    Some(lent) => lent,
                    None => client::http_client(endpoint.as_deref(), ca_bundle.as_deref())?,
                };
            let credentials = EnvironmentVariableCredentialsProvider::new();
            let variants = Variants::from_environment()?;
            let mut shared = SdkConfig::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .retry_config(client::retries())
                .timeout_config(client::timeouts())
                .http_client(http_client);
            shared.set_use_fips(variants.fips);
            shared.set_use_dual_stack(variants.dual_stack);
            shared.set_region(std::env::var("AWS_REGION").ok().map(Region::new));
            Ok(Access { shared: shared.build(), endpoint })
        })
    })
}
