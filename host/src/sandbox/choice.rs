//! Which of the installed plugins serves a secret. Pure, so that one table covers all of it.
//!
//! - `WINDLASS_PLUGIN` names one, whatever it serves: the operator knows why.
//! - The tag `windlass:plugin` names one of those that serve the secret's engine: whoever may tag a
//!   secret must not be able to hand its password to any plugin that is there.
//! - Else it is the one that serves the engine. Two that do are a mistake of the operator, never a
//!   matter of order.

use super::PluginError;
use crate::rotation::ports::{Choice, Description};

/// The place in the list of the plugin that was chosen for a secret of this engine.
///
/// # Errors
/// If there is none, more than one claims the engine, or a tag names one that does not serve it.
pub fn choose(
    plugins: &[&Description],
    engine: &str,
    choice: Choice<'_>,
) -> Result<usize, PluginError> {
    let serves = |plugin: &Description| plugin.engines.iter().any(|served| served == engine);
    let mut serving = plugins.iter().enumerate().filter(|(_, plugin)| serves(plugin));
    match choice {
        Choice::Configured(name) => named(plugins, name).map(|(index, _)| index),
        Choice::Tagged(name) => match named(plugins, name)? {
            (index, plugin) if serves(plugin) => Ok(index),
            (_, plugin) => Err(PluginError::TagServesOther {
                name: name.to_owned(),
                serves: plugin.engines.join(", "),
                engine: engine.to_owned(),
            }),
        },
        Choice::ByEngine => match (serving.next(), serving.next()) {
            (Some((index, _)), None) => Ok(index),
            (Some((_, first)), Some((_, second))) => Err(PluginError::Ambiguous {
                engine: engine.to_owned(),
                first: first.name.clone(),
                second: second.name.clone(),
            }),
            (None, _) => Err(PluginError::NoneServes {
                engine: engine.to_owned(),
                installed: installed(plugins),
            }),
        },
    }
}

fn named<'a>(
    plugins: &[&'a Description],
    name: &str,
) -> Result<(usize, &'a Description), PluginError> {
    let found = plugins.iter().enumerate().find(|(_, plugin)| plugin.name == name);
    found.map(|(index, plugin)| (index, *plugin)).ok_or_else(|| PluginError::NotInstalled {
        name: name.to_owned(),
        installed: installed(plugins),
    })
}

/// Plugins and their engines, for messages.
pub(super) fn installed(plugins: &[&Description]) -> String {
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
            chosen.map(|index| plugins[index].name.as_str()).map_err(|error| error.to_string())
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
