//! The arguments that commands share, and what they set up: a store, plugins, configuration.

use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_secretsmanager::config::{Credentials, SharedHttpClient};
use clap::Args;
use windlass_secrets_manager::EmbeddedStore;

use super::CommandError;
use crate::aws;
use crate::aws::connect_error::BadTls;
use crate::config::{Config, ENDPOINTS};
use crate::error::Error;
use crate::grants::GrantPattern;
use crate::handler::Handler;
use crate::inventory::aws::{Access, AwsInventory, Names};
use crate::rotation::ports::{
    PasswordRequest, PendingValue, SecretDescription, SecretId, SecretList, SecretStore,
    SecretValue, StageMove, StoreError, VersionListing, VersionSelector,
};
use crate::sandbox::{InstalledPlugins, Runtime};
use crate::secret::Secret;
use crate::store::aws::AwsStore;
use crate::text::quoted;

/// Which secret store.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct StoreArgs {
    /// Secrets Manager's endpoint, such as that of `windlass local` [default: AWS's own]
    /// [env: SECRETS_MANAGER_ENDPOINT, AWS_ENDPOINT_URL_SECRETS_MANAGER]
    #[arg(long, value_name = "URL", conflicts_with = "store")]
    endpoint_url: Option<String>,
    /// The file of an embedded store, as `windlass local` keeps it
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// The AWS region [default: as the AWS tools find it]
    #[arg(long)]
    region: Option<String>,
    /// The profile of the AWS configuration files
    #[arg(long)]
    profile: Option<String>,
}

/// Which plugins, and what they may reach.
#[derive(Debug, Args)]
pub(super) struct PluginArgs {
    /// A folder with compiled plugins (.cwasm); may be repeated
    /// [default: WINDLASS_PLUGINS]. Compiled plugins are machine code: use folders that you trust
    #[arg(long = "plugins", value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Let plugins reach this, such as tcp://127.0.0.1:5432, and not the default; may be repeated
    /// [default: the secret's own host and port, but not on loopback]
    #[arg(long = "grant", value_name = "PATTERN")]
    grants: Vec<GrantPattern>,
    /// Trust the CA certificates in this PEM file, and no others, for the services
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
    /// The function's windlass.toml: grants, pins, signatures, strategy
    /// [default: WINDLASS_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How long work may take.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct TimeArgs {
    /// How many seconds each step of the work may take, 900 at most: what takes longer is given up, and
    /// safe to try again
    #[arg(long = "timeout", value_name = "SECONDS", default_value_t = STEP_SECONDS,
          value_parser = clap::value_parser!(u64).range(1..=LONGEST_SECONDS))]
    seconds: u64,
}

/// What the function is given in the README. An ordinary step takes a tenth of a second.
const STEP_SECONDS: u64 = 60;

/// The longest that Lambda lets a function run: what takes longer could not be rotated there.
const LONGEST_SECONDS: u64 = 900;

impl TimeArgs {
    /// For each step.
    pub(super) fn of_step(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Does something that is no step and has no other end.
    pub(super) async fn bound<T, E: Into<Error>>(
        self,
        during: impl FnOnce() -> String,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.of_step(), work).await {
            Ok(done) => done.map_err(Into::into),
            Err(_) => Err(Error::OutOfTime { during: during() }),
        }
    }
}

impl StoreArgs {
    /// The same arguments, for another command of ours; each begins with a space.
    pub(super) fn for_windlass(&self) -> String {
        let mut arguments = self.of_aws();
        if let Some(path) = &self.store {
            arguments.push_str(&format!(" --store {}", quoted(&path.to_string_lossy())));
        }
        arguments
    }

    /// The same for the `aws` command; each ends with a space.
    pub(super) fn for_aws(&self) -> String {
        let arguments = self.of_aws();
        if arguments.is_empty() { arguments } else { format!("{} ", arguments.trim_start()) }
    }

    fn of_aws(&self) -> String {
        let arguments = [
            ("--endpoint-url", &self.endpoint_url),
            ("--region", &self.region),
            ("--profile", &self.profile),
        ];
        let given = arguments.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        given.map(|(name, value)| format!(" {name} {}", quoted(value))).collect()
    }

    pub(super) async fn open(&self) -> Result<Store, CommandError> {
        if let Some(path) = &self.store {
            let store = EmbeddedStore::open(path)
                .map_err(|error| CommandError::operator(error.to_string()))?;
            return Ok(Store::Embedded(store));
        }
        let variable = ENDPOINTS
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()));
        let endpoint = self.endpoint_url.as_deref().or(variable.as_deref());
        let account = self.account();
        let shared =
            account.load(endpoint).await.map_err(|e| CommandError::operator(e.to_string()))?;
        let mut config = aws_sdk_secretsmanager::config::Builder::from(&shared).http_client(
            account.http_client(endpoint).map_err(|e| CommandError::operator(e.to_string()))?,
        );
        config.set_endpoint_url(endpoint.map(str::to_owned));
        let config = config.retry_classifier(BadTls).build();
        let client = aws_sdk_secretsmanager::Client::from_conf(config);
        Ok(Store::Aws(AwsStore::new(client, endpoint)))
    }

    /// AWS's databases, in the same account and region. Nothing is looked up before it is needed.
    pub(super) fn inventory(&self) -> AwsInventory {
        self.account().inventory()
    }

    fn account(&self) -> Account {
        Account { region: self.region.clone(), profile: self.profile.clone() }
    }
}

/// Whose AWS account, and where.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    region: Option<String>,
    profile: Option<String>,
}

impl Account {
    /// Credentials and region, for a service at this endpoint or at AWS's own.
    async fn load(&self, endpoint: Option<&str>) -> std::io::Result<aws_config::SdkConfig> {
        // Looking up credentials goes to AWS even where the endpoint is a local one.
        let mut loader = aws_config::defaults(aws_config::BehaviorVersion::v2026_01_12())
            .http_client(aws::client::credentials_client(self.ca_bundle().as_deref())?)
            .retry_config(aws::client::retries())
            .timeout_config(aws::client::timeouts());
        if let Some(region) = &self.region {
            loader = loader.region(aws_config::Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        // A service on this machine does not check credentials; looking for some would take
        // seconds and then fail.
        if endpoint.is_some_and(aws::plain::is_loopback) && self.needs_credentials() {
            let anybody = Credentials::new("anybody", "anybody", None, None, "loopback");
            loader = loader.credentials_provider(anybody);
            if self.region.is_none() && std::env::var_os("AWS_REGION").is_none() {
                loader = loader.region(aws_config::Region::new("us-east-1"));
            }
        }
        let shared = loader.load().await;
        if shared.region().is_none() {
            return Err(std::io::Error::other(aws::signed::NO_REGION));
        }
        Ok(shared)
    }

    fn http_client(&self, endpoint: Option<&str>) -> std::io::Result<SharedHttpClient> {
        aws::client::http_client(endpoint, self.ca_bundle().as_deref())
    }

    fn ca_bundle(&self) -> Option<PathBuf> {
        std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// What AWS says about databases there.
    pub(super) fn inventory(self) -> AwsInventory {
        AwsInventory::connecting(Names::from_process(), move |service| {
            let (account, endpoint) = (self.clone(), service.endpoint());
            Box::pin(async move {
                let shared = account.load(endpoint.as_deref()).await?.into_builder();
                let http_client = account.http_client(endpoint.as_deref())?;
                Ok(Access { shared: shared.http_client(http_client).build(), endpoint })
            })
        })
    }

    fn needs_credentials(&self) -> bool {
        self.profile.is_none()
            && ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]
                .iter()
                .all(|name| std::env::var_os(name).is_none())
    }
}

impl PluginArgs {
    /// The configuration: the environment's, with what the command line says on top.
    pub(super) fn config(&self) -> Result<Config, CommandError> {
        let mut config = Config::load(self.config.as_deref(), None)?;
        if !self.folders.is_empty() {
            config.plugin_folders.clone_from(&self.folders);
        } else if config.plugin_folders.is_empty() {
            return Err(CommandError::operator(
                "no plugins are given; name their folder with --plugins or WINDLASS_PLUGINS",
            ));
        }
        config.grants.add(self.grants.iter().cloned());
        if self.ca_bundle.is_some() {
            config.ca_bundle.clone_from(&self.ca_bundle);
        }
        Ok(config)
    }

    /// The same arguments, for another command of ours; each begins with a space.
    pub(super) fn for_windlass(&self) -> String {
        let path =
            |name: &str, path: &PathBuf| format!(" {name} {}", quoted(&path.to_string_lossy()));
        let folders = self.folders.iter().map(|folder| path("--plugins", folder));
        let grants =
            self.grants.iter().map(|grant| format!(" --grant {}", quoted(&grant.to_string())));
        let files = [("--ca-bundle", &self.ca_bundle), ("--config", &self.config)];
        let files = files.into_iter().filter_map(|(name, file)| Some(path(name, file.as_ref()?)));
        folders.chain(grants).chain(files).collect()
    }

    pub(super) async fn load(&self, config: &Config) -> Result<InstalledPlugins, CommandError> {
        let sandbox = config.sandbox(Vec::new(), false);
        Ok(InstalledPlugins::open(&Runtime::new()?, &config.plugin_folders, sandbox).await?)
    }
}

/// Everything that a rotation needs.
pub(super) async fn handler(
    store: &StoreArgs,
    plugins: &PluginArgs,
) -> Result<Handler<Store>, CommandError> {
    let config = plugins.config()?;
    let installed = plugins.load(&config).await?;
    Ok(Handler::new(store.open().await?, store.inventory(), installed, config.rotation))
}

/// A store of either kind.
pub(super) enum Store {
    Aws(AwsStore),
    Embedded(EmbeddedStore),
}

/// Hands every call on to whichever store it is.
macro_rules! delegate {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Store::Aws($store) => $call.await,
            Store::Embedded($store) => $call.await,
        }
    };
}

impl SecretStore for Store {
    fn address(&self) -> &str {
        match self {
            Self::Aws(store) => store.address(),
            Self::Embedded(store) => store.address(),
        }
    }

    async fn describe(&self, secret_id: &SecretId) -> Result<SecretDescription, StoreError> {
        delegate!(self, store => store.describe(secret_id))
    }

    async fn value(
        &self,
        secret_id: &SecretId,
        version: &VersionSelector,
    ) -> Result<SecretValue, StoreError> {
        delegate!(self, store => store.value(secret_id, version))
    }

    async fn put_pending(
        &self,
        secret_id: &SecretId,
        pending: &PendingValue,
    ) -> Result<(), StoreError> {
        delegate!(self, store => store.put_pending(secret_id, pending))
    }

    async fn move_stage(&self, secret_id: &SecretId, change: &StageMove) -> Result<(), StoreError> {
        delegate!(self, store => store.move_stage(secret_id, change))
    }

    async fn random_password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        delegate!(self, store => store.random_password(request))
    }

    async fn versions(&self, secret_id: &SecretId) -> Result<Vec<VersionListing>, StoreError> {
        delegate!(self, store => store.versions(secret_id))
    }
}

impl SecretList for Store {
    async fn names(&self) -> Result<Vec<SecretId>, StoreError> {
        delegate!(self, store => store.names())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_without_end_is_given_up_with_what_it_was() {
        let endless = std::future::pending::<Result<(), Error>>();
        let during = || "waiting for nothing".to_owned();
        let error = TimeArgs { seconds: 0 }.bound(during, endless).await.unwrap_err();
        assert_eq!(error.error_type(), crate::ErrorType::OutOfTime);
        let message = error.report();
        for part in ["the time ran out while waiting for nothing", "--timeout"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn the_store_is_repeated_in_commands() {
        let args = StoreArgs {
            store: Some("s.db".into()),
            region: Some("eu-west-1".into()),
            ..StoreArgs::default()
        };
        assert_eq!(args.for_windlass(), " --region 'eu-west-1' --store 's.db'");
        assert_eq!(args.for_aws(), "--region 'eu-west-1' ");
        assert_eq!(StoreArgs::default().for_aws(), "");
        let args = StoreArgs { store: Some("my secrets' file".into()), ..StoreArgs::default() };
        assert_eq!(args.for_windlass(), r" --store 'my secrets'\'' file'");
    }
}
