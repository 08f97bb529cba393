//! What AWS's rotation functions for PostgreSQL do, one row each: with the description that our
//! PostgreSQL plugin gives of itself, and a database that is a table of passwords.
//!
//! A row's name is the rule in the words of AWS's functions. Where a row's name begins with
//! `DIFFERS:`, Windlass does something else on purpose, and the row holds what; the README lists
//! these with their reasons. Rows about admin secrets that Amazon RDS manages are in
//! [`managed`](super::managed), those about read replicas in [`replica`](super::replica); what goes
//! over the wire is tested in the plugin and in `tests/suite`.

mod change;
mod environment;
mod fields;
mod gate;

use crate::rotation::ports::{
    CharacterClasses, Description, Features, NameLength, PasswordRules, UsernameRules,
};
use serde_json::{Value, json};
use windlass_plugin_postgres::Postgres;
use windlass_sdk::Plugin;

use super::world::{ADMIN, World};

/// What the PostgreSQL plugin says about itself.
fn postgres() -> Description {
    let own = Postgres::describe();
    Description {
        name: own.name,
        version: own.version,
        engines: own.engines,
        default_port: own.default_port,
        network: own.network,
        fields: Vec::new(),
        password_rules: PasswordRules {
            max_length: own.password_rules.max_length,
            default_length: own.password_rules.default_length,
            excluded_characters: own.password_rules.excluded_characters,
            default_excluded_characters: own.password_rules.default_excluded_characters,
            required_classes: CharacterClasses::default(),
        },
        username_rules: UsernameRules {
            max_length: match own.username_rules.max_length {
                windlass_sdk::NameLength::Bytes(most) => NameLength::Bytes(most),
                windlass_sdk::NameLength::Characters(most) => NameLength::Characters(most),
                windlass_sdk::NameLength::Unlimited => NameLength::Unlimited,
            },
            clone_suffix: own.username_rules.clone_suffix,
            excluded_characters: String::new(),
        },
        features: Features {
            self_change: own.features.self_change,
            admin_change: own.features.admin_change,
            alternating_users: own.features.alternating_users,
            dual_password: own.features.dual_password,
        },
    }
}

/// A secret of a PostgreSQL with these fields on top of the usual ones.
fn world(fields: &Value) -> World {
    let world = World::with_plugin(&json!({}), |own| *own = postgres());
    // What was current before is of the same engine, as the next one is.
    world.replace_current(&with("postgres", "app", "first", &json!({})).to_string());
    world.replace_current(&with("postgres", "app", "first", fields).to_string());
    world
}

/// The same with an administrator, whose secret has `admin` on top of the usual fields.
fn pair(fields: &Value, admin: &Value) -> World {
    let mut fields = fields.clone();
    fields["masterarn"] = json!(ADMIN);
    let world = world(&fields);
    world.create(ADMIN, &with("postgres", "admin", "adminpw", admin).to_string());
    world.set_password("admin", "adminpw");
    world
}

fn with(engine: &str, username: &str, password: &str, fields: &Value) -> Value {
    let mut secret = json!({
        "engine": engine, "host": "db.example", "username": username, "password": password,
    });
    let (Value::Object(all), Value::Object(more)) = (&mut secret, fields) else {
        panic!("fields are an object");
    };
    for (key, value) in more {
        match value {
            Value::String(text) if text == GONE => drop(all.remove(key)),
            value => drop(all.insert(key.clone(), value.clone())),
        }
    }
    secret
}

/// A field that is not there at all.
const GONE: &str = "(absent)";
