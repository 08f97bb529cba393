//! What the operator configures: the environment and `windlass.toml`, parsed at the door.
//!
//! The names of AWS's rotation templates mean here what they mean there. Everything of ours begins
//! with `WINDLASS_`; a name of that kind that nobody knows is a mistake, and so is an unknown key of
//! the file. Where both say something, the environment counts: it is the deployment's, the file is
//! the package's. What plugins must be (pins, keys that have to have signed them) is only in the
//! file. All mistakes of both are reported at once, and none with a value that could be a secret.

mod environment;
mod file;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

#[cfg(feature = "cli")]
pub(crate) use environment::ENDPOINTS;

use crate::grants::{GrantPattern, Granted};
use crate::network::Tls;
use crate::rotation::{self, HonoredTags, Strategy, TlsPolicy};
use crate::sandbox;
use crate::sandbox::admission::Admission;

/// The file's usual name.
pub const FILE_NAME: &str = "windlass.toml";

/// The variable that names another.
pub const FILE_VARIABLE: &str = "WINDLASS_CONFIG";

/// What the operator configured.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// How rotations are run: AWS's variables, `WINDLASS_STRATEGY`, `WINDLASS_PLUGIN`, `WINDLASS_TLS`,
    /// `WINDLASS_TAGS` and `WINDLASS_SEND_TEXT`.
    pub rotation: rotation::Settings,
    /// `WINDLASS_PLUGINS`: folders with `.cwasm` files, separated by `:`.
    pub plugin_folders: Vec<PathBuf>,
    /// `WINDLASS_GRANTS`: what a plugin may reach that has no grants of its own.
    pub grants: Granted,
    /// What is required of plugins, and their own grants.
    pub admission: Admission,
    /// `WINDLASS_CA_BUNDLE`: trust these roots alone.
    pub ca_bundle: Option<PathBuf>,
    /// `SECRETS_MANAGER_ENDPOINT`, or `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub endpoint: Option<String>,
}

/// What one source says; `None` where it says nothing.
#[derive(Debug, Default)]
struct Settings {
    strategy: Option<Strategy>,
    plugin: Option<String>,
    plugin_folders: Option<Vec<PathBuf>>,
    grants: Option<Vec<GrantPattern>>,
    ca_bundle: Option<PathBuf>,
    tls_policy: Option<TlsPolicy>,
    tags: Option<HonoredTags>,
    send_text: Option<bool>,
}

impl Settings {
    /// These, and where they say nothing, those.
    fn or(self, other: Self) -> Self {
        Self {
            strategy: self.strategy.or(other.strategy),
            plugin: self.plugin.or(other.plugin),
            plugin_folders: self.plugin_folders.or(other.plugin_folders),
            grants: self.grants.or(other.grants),
            ca_bundle: self.ca_bundle.or(other.ca_bundle),
            tls_policy: self.tls_policy.or(other.tls_policy),
            tags: self.tags.or(other.tags),
            send_text: self.send_text.or(other.send_text),
        }
    }
}

impl Config {
    /// Reads the process's environment and the file that is named, here or in `WINDLASS_CONFIG`;
    /// else the one at `usual`, if there is one.
    ///
    /// # Errors
    /// Every mistake, at once.
    pub fn load(named: Option<&Path>, usual: Option<&Path>) -> Result<Self, ConfigError> {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let variables: BTreeMap<_, _> = variables.collect();
        let variable = variables.get(FILE_VARIABLE).filter(|name| !name.is_empty()).map(Path::new);
        let file = named.or(variable).or_else(|| usual.filter(|path| path.exists()));
        match file {
            None => Self::parse(&variables, None),
            Some(path) => Self::parse(&variables, Some((path, &read(path)?))),
        }
    }

    /// Reads a file alone, as the package that it goes into has it.
    ///
    /// # Errors
    /// Every mistake, at once.
    #[cfg(feature = "cli")]
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&BTreeMap::new(), Some((path, &read(path)?)))
    }

    /// Reads an environment, and a file with its path.
    ///
    /// # Errors
    /// Every mistake, at once.
    pub fn parse(
        variables: &BTreeMap<String, String>,
        file: Option<(&Path, &str)>,
    ) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        let environment = environment::parse(variables, &mut mistakes);
        let file = file.map(|(path, text)| file::parse(path, text, &mut mistakes));
        if !mistakes.is_empty() {
            return Err(ConfigError { mistakes });
        }
        let file = file.unwrap_or_default();
        let settings = environment.settings.or(file.settings);
        Ok(Self {
            rotation: rotation::Settings {
                passwords: environment.passwords,
                strategy: settings.strategy,
                plugin: settings.plugin,
                tls_policy: settings.tls_policy.unwrap_or_default(),
                tags: settings.tags.unwrap_or_default(),
                send_text: settings.send_text.unwrap_or_default(),
                username_limit: environment.username_limit,
            },
            endpoint: environment.endpoint,
            plugin_folders: settings.plugin_folders.unwrap_or_default(),
            grants: settings.grants.map_or(Granted::OwnPlace, Granted::Only),
            admission: file.admission,
            ca_bundle: settings.ca_bundle,
        })
    }

    /// What plugins run in, with the addresses of the runtime API where there is one.
    pub fn sandbox(&self, runtime_api: Vec<SocketAddr>, on_lambda: bool) -> sandbox::Settings {
        sandbox::Settings {
            granted: self.grants.clone(),
            admission: self.admission.clone(),
            tls: Tls::new(self.ca_bundle.clone()),
            runtime_api,
            on_lambda,
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError {
        mistakes: vec![format!("failed to read `{}`: {error}", path.display())],
    })
}

/// Mistakes in the environment or the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is not valid: {}", mistakes.join("; "))]
pub struct ConfigError {
    /// A sentence each.
    pub mistakes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn parse(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::parse(&environment(pairs), None)
    }

    #[test]
    fn truth_is_what_aws_takes_for_it() {
        for (text, expected) in
            [("true", true), ("YES", true), ("1", true), ("y", true), ("on", false), ("0", false)]
        {
            let config = parse(&[("EXCLUDE_NUMBERS", text)]).unwrap();
            assert_eq!(config.rotation.passwords.exclude_numbers, expected, "{text}");
        }
        assert!(parse(&[]).unwrap().rotation.passwords.require_each_included_type);
        let empty = parse(&[("EXCLUDE_CHARACTERS", ""), ("PASSWORD_LENGTH", "")]).unwrap();
        assert_eq!(
            empty.rotation.passwords.exclude_characters.as_deref(),
            Some(""),
            "excludes nothing"
        );
        assert_eq!(empty.rotation.passwords.length, None);
        let config = parse(&[("REQUIRE_EACH_INCLUDED_TYPE", "no")]).unwrap();
        assert!(!config.rotation.passwords.require_each_included_type);
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let error = parse(&[
            ("PASSWORD_LENGTH", "0"),
            ("WINDLASS_STRATEGY", "both"),
            ("WINDLASS_GRANTS", "tcp://db:5432,nonsense"),
            ("WINDLASS_PLUGNIS", "/x"),
            ("WINDLASS_LOG", "loud"),
            ("WINDLASS_TLS", "maybe"),
            ("SECRETS_MANAGER_ENDPOINT", "localhost"),
            ("WINDLASS_DEV_PYTHON", "ours"),
        ])
        .unwrap_err();
        assert_eq!(error.mistakes.len(), 7, "{error}");
        assert!(error.to_string().contains("unknown variable `WINDLASS_PLUGNIS`"), "{error}");
    }

    #[test]
    fn the_endpoint_is_named_as_aws_functions_do_or_as_sdks_do() {
        let ours = ("SECRETS_MANAGER_ENDPOINT", "https://a.example");
        let sdks = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://b.example");
        let endpoint = |pairs: &[_]| parse(pairs).unwrap().endpoint;
        assert_eq!(endpoint(&[ours, sdks]).as_deref(), Some("https://a.example"));
        assert_eq!(endpoint(&[("SECRETS_MANAGER_ENDPOINT", ""), sdks]).as_deref(), Some(sdks.1));
        let error = parse(&[("AWS_ENDPOINT_URL_SECRETS_MANAGER", "b.example")]).unwrap_err();
        assert!(error.to_string().contains("`AWS_ENDPOINT_URL_SECRETS_MANAGER` must"), "{error}");
    }

    fn both(pairs: &[(&str, &str)], file: &str) -> Result<Config, ConfigError> {
        Config::parse(&environment(pairs), Some((Path::new("/var/task/windlass.toml"), file)))
    }

    #[test]
    fn the_file_says_what_the_environment_does_not() {
        let file = r#"
            strategy = "alternating-users"
            plugin = "postgres"
            plugin-folders = ["plugins", "/opt/more"]
            grants = ["tcp://*.rds.amazonaws.com:5432", "tcp://{host}:{port}"]
            ca-bundle = "roots.pem"
            tls = "compatible"
            tags = ["strategy"]
            send-text = true

            [plugins.postgres]
            sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            grants = []

            [trust]
            components = ["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
            compiled = []
        "#;
        let config = both(&[], file).unwrap();
        assert_eq!(config.rotation.strategy, Some(Strategy::AlternatingUsers));
        assert_eq!(config.rotation.plugin.as_deref(), Some("postgres"));
        let folders = [Path::new("/var/task/plugins"), Path::new("/opt/more")];
        assert_eq!(config.plugin_folders, folders, "relative to the file");
        assert!(matches!(&config.grants, Granted::Only(grants) if grants.len() == 2));
        assert_eq!(config.ca_bundle.as_deref(), Some(Path::new("/var/task/roots.pem")));
        assert_eq!(config.rotation.tls_policy, TlsPolicy::Compatible);
        assert_eq!(
            config.rotation.tags,
            HonoredTags { plugin: false, strategy: true, send_text: false }
        );
        assert!(config.rotation.send_text);
        let policy = &config.admission.plugins["postgres"];
        assert_eq!(policy.sha256, Some(Digest::compute(b"abc")));
        assert_eq!(policy.grants, Some(Vec::new()));
        assert_eq!(config.admission.trust.components.len(), 1);

        let own = [
            ("WINDLASS_TLS", "required"),
            ("WINDLASS_GRANTS", "tcp://db:1"),
            ("WINDLASS_SEND_TEXT", "false"),
        ];
        let config = both(&own, file).unwrap();
        assert!(!config.rotation.send_text);
        assert_eq!(config.rotation.tls_policy, TlsPolicy::Required);
        assert_eq!(config.grants, Granted::Only(vec!["tcp://db:1".parse().unwrap()]));
        assert_eq!(config.rotation.plugin.as_deref(), Some("postgres"));
        assert_eq!(both(&[], "").unwrap().grants, Granted::OwnPlace);
    }

    #[test]
    fn every_mistake_of_file_and_environment_is_reported_with_its_line() {
        let file = r#"strategi = "single-user"
grants = ["tcp://*:5432", 5]
tls = "maybe"
plugin = ["postgres"]
[plugins.postgres]
sha256 = "abc"
grant = []
[plugins."Not A Name"]
[trust]
components = ["ed25519:AAAA"]
keys = []
[more]
"#;
        let error = both(&[("WINDLASS_LOG", "loud")], file).unwrap_err();
        let expected = [
            "`WINDLASS_LOG` must be error, warn, info, debug or trace",
            "windlass.toml, line 1: unknown key `strategi`; the keys are strategy, plugin, \
             plugin-folders, grants, ca-bundle, tls, tags, send-text, plugins, trust",
            "windlass.toml, line 2: `grants`: `tcp://*:5432` is not a grant: `*` alone would grant \
             every host; grants look like `tcp://db.example:5432`",
            "windlass.toml, line 2: `grants` must be a list of strings",
            "windlass.toml, line 3: `tls` must be always, required or compatible",
            "windlass.toml, line 4: `plugin` must be a string",
            "windlass.toml, line 6: `plugins.postgres.sha256`: a SHA-256 digest has 64 hexadecimal \
             digits",
            "windlass.toml, line 7: unknown key `plugins.postgres.grant`; the keys are sha256, grants",
            "windlass.toml, line 8: `plugins.Not A Name`: a plugin's name is made of lower-case \
             letters, digits and `-`",
            "windlass.toml, line 10: `trust.components`: a public key is `ed25519:` and 44 \
             characters of Base64, as `windlass sign` prints it",
            "windlass.toml, line 11: unknown key `trust.keys`; the keys are components, compiled",
            "windlass.toml, line 12: unknown key `more`; the keys are strategy, plugin, \
             plugin-folders, grants, ca-bundle, tls, tags, send-text, plugins, trust",
        ];
        let found: Vec<_> =
            error.mistakes.iter().map(|text| text.replace("/var/task/", "")).collect();
        let mut sorted = found.clone();
        sorted.sort();
        let mut wanted = expected.map(str::to_owned).to_vec();
        wanted.sort();
        assert_eq!(sorted, wanted);
    }

    #[test]
    fn an_empty_list_permits_nothing() {
        for empty in ["", " "] {
            let config = parse(&[("WINDLASS_GRANTS", empty), ("WINDLASS_TAGS", empty)]).unwrap();
            assert_eq!(config.grants, Granted::Only(Vec::new()));
            assert_eq!(config.rotation.tags, HonoredTags::NONE);
        }
        let unset = parse(&[]).unwrap();
        assert_eq!(unset.grants, Granted::OwnPlace);
        assert_eq!(
            unset.rotation.tags,
            HonoredTags { plugin: true, strategy: true, send_text: false }
        );
        assert!(parse(&[("WINDLASS_GRANTS", "tcp://db:1,")]).is_err(), "an entry is missing");
        let config = parse(&[("WINDLASS_TAGS", "plugin")]).unwrap();
        assert_eq!(
            config.rotation.tags,
            HonoredTags { plugin: true, strategy: false, send_text: false }
        );
        let error = parse(&[("WINDLASS_TAGS", "plugin,stratgy")]).unwrap_err();
        assert!(error.to_string().contains("`stratgy` is not a tag"), "{error}");
    }

    #[test]
    fn passwords_are_sent_as_text_only_where_the_operator_says_so_in_so_many_words() {
        assert!(!parse(&[]).unwrap().rotation.send_text);
        assert!(!parse(&[("WINDLASS_SEND_TEXT", "")]).unwrap().rotation.send_text);
        assert!(parse(&[("WINDLASS_SEND_TEXT", "true")]).unwrap().rotation.send_text);
        let error = parse(&[("WINDLASS_SEND_TEXT", "yes")]).unwrap_err();
        assert_eq!(error.mistakes, ["`WINDLASS_SEND_TEXT` must be true or false"]);
        let error = both(&[], "send-text = \"true\"").unwrap_err();
        assert!(
            error.mistakes[0].ends_with("line 1: `send-text` must be true or false"),
            "{error}"
        );
        let config = parse(&[("WINDLASS_TAGS", "send-text")]).unwrap();
        assert_eq!(config.rotation.tags, HonoredTags { send_text: true, ..HonoredTags::NONE });
    }

    #[test]
    fn aws_limit_of_user_names_is_read() {
        assert_eq!(parse(&[]).unwrap().rotation.username_limit, None);
        let config = parse(&[("USERNAME_CHARACTER_LIMIT", "32")]).unwrap();
        assert_eq!(config.rotation.username_limit, Some(32));
        for wrong in ["0", "many", "-1"] {
            let error = parse(&[("USERNAME_CHARACTER_LIMIT", wrong)]).unwrap_err();
            assert!(error.to_string().contains("`USERNAME_CHARACTER_LIMIT` must be"), "{error}");
        }
    }

    #[test]
    fn what_is_no_toml_is_reported_with_its_line() {
        let error = both(&[], "plugin = \"postgres\"\n[trust\n").unwrap_err();
        assert!(error.mistakes[0].contains("windlass.toml, line 2: "), "{error}");
    }
}
