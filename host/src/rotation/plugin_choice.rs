//! Which of the installed plugins serves a secret. Pure, so that one table covers all of it.
//!
//! - `WINDLASS_PLUGIN` names one, whatever it serves: the operator knows why.
//! - The tag `windlass:plugin` names one of those that serve the secret's engine: whoever may tag a
//!   secret must not be able to hand its password to any plugin that is there.
//! - Else it is the one that serves the engine. Two that do are a mistake of the operator, never a
//!   matter of order.

use super::ports::Description;

/// How a plugin is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    /// The one that serves the engine.
    ByEngine,
    /// The operator's, whatever the engine.
    Configured(&'a str),
    /// A tag's, among those that serve the engine: a tag may be written by somebody who must not
    /// choose where a password goes.
    Tagged(&'a str),
}

/// No plugin, or more than one, fits the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// There is no plugin at all.
    #[error(
        "no plugin is installed: there is no *.cwasm file in {location}; put compiled plugins there, or set \
         WINDLASS_PLUGINS to their folder"
    )]
    NoneInstalled {
        /// Where plugins are looked for.
        location: String,
    },
    /// No plugin serves the secret's engine.
    #[error(
        "no installed plugin serves engine `{engine}`; installed are {installed}. Correct the \
         secret's `engine`, install a plugin for it, or name the one to use in WINDLASS_PLUGIN"
    )]
    NoneServes {
        /// The secret's engine.
        engine: String,
        /// Plugins and their engines.
        installed: String,
    },
    /// Two plugins serve the engine.
    #[error(
        "plugins `{first}` and `{second}` both serve engine `{engine}`; remove one, or choose with \
         WINDLASS_PLUGIN or the secret's tag `windlass:plugin`"
    )]
    Ambiguous {
        /// The engine.
        engine: String,
        /// One plugin.
        first: String,
        /// Another.
        second: String,
    },
    /// A tag names a plugin for other engines.
    #[error(
        "the secret's tag `windlass:plugin` names plugin `{name}`, which serves {serves} and not the \
         secret's engine `{engine}`; correct the tag or the secret's `engine`, or have the function's \
         operator set WINDLASS_PLUGIN"
    )]
    TagServesOther {
        /// The plugin.
        name: String,
        /// Its engines.
        serves: String,
        /// The secret's engine.
        engine: String,
    },
    /// A tag names another plugin than the configuration.
    #[error(
        "the tag `windlass:plugin` of secret `{secret}` names plugin `{tag}`, and the function is \
         configured to use `{configured}` for every secret (WINDLASS_PLUGIN, or `plugin` in \
         windlass.toml); remove the tag, or the setting"
    )]
    TagAgainstConfiguration {
        /// The secret's name.
        secret: String,
        /// The tag's value.
        tag: String,
        /// The configured plugin.
        configured: String,
    },
    /// The plugin that was chosen by name is not there.
    #[error(
        "plugin `{name}` is not installed; installed are {installed}. Install it, or correct \
         WINDLASS_PLUGIN or the secret's tag `windlass:plugin`"
    )]
    NotInstalled {
        /// The name in the tag or in WINDLASS_PLUGIN.
        name: String,
        /// Plugins and their engines.
        installed: String,
    },
}

impl<'a> Choice<'a> {
    /// What the configuration and the secret's tag, where tags are honored, choose. A tag against the
    /// configuration is a mistake in one of the two.
    pub(super) fn new(
        configured: Option<&'a str>,
        tag: Option<&'a str>,
        secret: &str,
    ) -> Result<Self, ChoiceError> {
        match (configured, tag) {
            (Some(configured), Some(tag)) if configured != tag => {
                Err(ChoiceError::TagAgainstConfiguration {
                    secret: secret.to_owned(),
                    tag: tag.to_owned(),
                    configured: configured.to_owned(),
                })
            }
            (Some(configured), _) => Ok(Self::Configured(configured)),
            (None, Some(tag)) => Ok(Self::Tagged(tag)),
            (None, None) => Ok(Self::ByEngine),
        }
    }
}

/// The plugin for a secret of this engine.
///
/// # Errors
/// If there is none, more than one claims the engine, or a tag names one that does not serve it.
pub(super) fn choose<'a>(
    plugins: &[&'a Description],
    engine: &str,
    choice: Choice<'_>,
) -> Result<&'a Description, ChoiceError> {
    let serves = |plugin: &Description| plugin.engines.iter().any(|served| served == engine);
    let mut serving = plugins.iter().copied().filter(|plugin| serves(plugin));
    match choice {
        Choice::Configured(name) => named(plugins, name),
        Choice::Tagged(name) => match named(plugins, name)? {
            plugin if serves(plugin) => Ok(plugin),
            plugin => Err(ChoiceError::TagServesOther {
                name: name.to_owned(),
                serves: plugin.engines.join(", "),
                engine: engine.to_owned(),
            }),
        },
        Choice::ByEngine => match (serving.next(), serving.next()) {
            (Some(only), None) => Ok(only),
            (Some(first), Some(second)) => Err(ChoiceError::Ambiguous {
                engine: engine.to_owned(),
                first: first.name.clone(),
                second: second.name.clone(),
            }),
            (None, _) => Err(ChoiceError::NoneServes {
                engine: engine.to_owned(),
                installed: installed(plugins),
            }),
        },
    }
}

fn named<'a>(plugins: &[&'a Description], name: &str) -> Result<&'a Description, ChoiceError> {
    let found = plugins.iter().copied().find(|plugin| plugin.name == name);
    found.ok_or_else(|| ChoiceError::NotInstalled {
        name: name.to_owned(),
        installed: installed(plugins),
    })
}

/// Plugins and their engines, for messages.
fn installed(plugins: &[&Description]) -> String {
    let each =
        plugins.iter().map(|plugin| format!("`{}` ({})", plugin.name, plugin.engines.join(", ")));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::ports::{
        CharacterClasses, Features, NameLength, PasswordRules, UsernameRules,
    };

    fn plugin(name: &str, engines: &[&str]) -> Description {
        Description {
            name: name.into(),
            version: "1.0.0".into(),
            engines: engines.iter().map(|engine| (*engine).to_owned()).collect(),
            default_port: 1,
            network: Vec::new(),
            fields: Vec::new(),
            password_rules: PasswordRules {
                max_length: Some(64),
                default_length: 32,
                excluded_characters: String::new(),
                default_excluded_characters: String::new(),
                required_classes: CharacterClasses::default(),
            },
            username_rules: UsernameRules {
                max_length: NameLength::Bytes(63),
                clone_suffix: String::new(),
                excluded_characters: String::new(),
            },
            features: Features::default(),
        }
    }

    #[test]
    fn a_tag_chooses_among_those_that_serve_the_engine_and_nobody_else() {
        let (pg, other, mysql) = (
            plugin("postgres", &["postgres", "aurora-postgresql"]),
            plugin("pg-too", &["postgres"]),
            plugin("mysql", &["mysql"]),
        );
        let plugins = [&pg, &other, &mysql];
        let chosen = |engine, choice| {
            let chosen = choose(&plugins, engine, choice);
            chosen.map(|plugin| plugin.name.as_str()).map_err(|error| error.to_string())
        };
        use Choice::{ByEngine, Configured, Tagged};
        for (engine, choice, expected) in [
            ("mysql", ByEngine, Ok("mysql")),
            ("aurora-postgresql", ByEngine, Ok("postgres")),
            ("postgres", ByEngine, Err("plugins `postgres` and `pg-too` both serve engine")),
            ("oracle", ByEngine, Err("no installed plugin serves engine `oracle`")),
            ("postgres", Tagged("pg-too"), Ok("pg-too")),
            ("postgres", Tagged("postgres"), Ok("postgres")),
            ("postgres", Tagged("mysql"), Err("`mysql`, which serves mysql and not the secret's")),
            ("oracle", Tagged("mysql"), Err("not the secret's engine `oracle`")),
            ("postgres", Tagged("nobody"), Err("plugin `nobody` is not installed")),
            ("oracle", Configured("mysql"), Ok("mysql")),
            ("postgres", Configured("mysql"), Ok("mysql")),
            (
                "postgres",
                Configured("nobody"),
                Err("installed are `postgres` (postgres, aurora-postgresql), `pg-too` (postgres)"),
            ),
        ] {
            match (chosen(engine, choice), expected) {
                (Ok(got), Ok(name)) => assert_eq!(got, name, "{engine} {choice:?}"),
                (Err(got), Err(part)) => assert!(got.contains(part), "{engine} {choice:?}: {got}"),
                (got, _) => panic!("{engine} {choice:?}: {got:?}"),
            }
        }
    }
}
