//! `windlass inspect`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::compiling::ask;
use super::output::Output;
use super::{CommandError, files};
use crate::rotation::ports::{Description, NameLength};
use crate::sandbox::admission::Admission;
use crate::sandbox::artifact::Trailer;
use crate::sandbox::{Loaded, PluginError, Runtime, Shape, artifact, checked, component};

/// Show what a plugin imports, exports, asks for and says about itself.
///
/// Takes components (.wasm), which run in the sandbox, without any network, to describe themselves,
/// and compiled plugins (.cwasm). What the function would refuse by its imports and exports is not
/// compiled. A compiled plugin is machine code that is loaded as it is, so it is run only with --trust;
/// without it, its seal is shown: what it claims to be made from and to be, and who signed it. Fails if the Lambda function
/// would refuse the plugin.
///
/// "asks for" are the places that it wants to reach; what it may reach, windlass.toml or WINDLASS_GRANTS
/// says. "gets" are the keys of the secret that it declares and is handed beside host, port, user,
/// password, database and TLS: no other key of the secret reaches it, so look here for keys that hold
/// something it has no use for.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The plugin
    plugin: PathBuf,
    /// Load a compiled plugin whose origin you trust, to let it describe itself
    #[arg(long)]
    trust: bool,
}

impl Inspect {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        let bytes = files::plugin(&self.plugin)?;
        let rejected = |problem| PluginError::Artifact { path: self.plugin.clone(), problem };
        if !bytes.starts_with(b"\0asm") {
            if !self.trust {
                let (code, trailer) = artifact::unseal(&bytes).map_err(rejected)?;
                trailer.signatures_hold().map_err(rejected)?;
                // What the function starts from, by the same rules.
                let sealed = match trailer.descriptions.as_slice() {
                    [] => Vec::new(),
                    some => checked(some.to_vec(), &self.plugin)?,
                };
                show_trailer(output, &trailer, &sealed, code.len());
                return Ok(());
            }
            let runtime = Runtime::new()?;
            let plugin =
                Loaded::from_file(&runtime, &self.plugin, &Admission::default(), None).await?;
            show(output, &plugin, None);
            return Ok(());
        }
        // Names first: what is refused must be shown, too.
        let shape = component::shape(&bytes).map_err(rejected)?;
        output.begin(format!("compiling {} to ask it", self.plugin.display()));
        let asked = ask(output, &self.plugin, &bytes, &shape).await;
        output.clear();
        match asked {
            Ok(plugin) => {
                show(output, &plugin, Some(&shape));
                Ok(())
            }
            Err(failure) => {
                show_shape(output, &shape);
                Err(failure)
            }
        }
    }
}

fn show(output: Output, plugin: &Arc<Loaded>, shape: Option<&Shape>) {
    let own = &plugin.description;
    let asks_for: Vec<String> = plugin.asks_for.iter().map(ToString::to_string).collect();
    output.line(format!("plugin     {} {}", own.name, own.version));
    output.line(format!("port       {}", own.default_port));
    output.line(format!("asks for   {}", asks_for.join(", ")));
    let fields = match own.fields.as_slice() {
        [] => "nothing of the secret but the sign-in".to_owned(),
        fields => format!("the secret's fields {}, and the sign-in", fields.join(", ")),
    };
    output.line(format!("gets       {fields}"));
    let each = own.engines.iter();
    let engines: Vec<_> =
        each.map(|engine| show_engine(output, engine, plugin.description_for(engine))).collect();
    match shape {
        Some(shape) => {
            output.line(format!("sha256     {}", plugin.sha256));
            show_shape(output, shape);
        }
        // Of a compiled plugin.
        None => output.line(format!("component  claims to be made from sha256 {}", plugin.sha256)),
    }
    output.object(&json!({
        "name": own.name,
        "version": own.version,
        "engines": engines,
        "default_port": own.default_port,
        "asks_for": asks_for,
        "fields": own.fields,
        "component_sha256": plugin.sha256,
        "component_is_claimed": shape.is_none(),
        "imports": shape.map(|shape| &shape.imports),
        "exports": shape.map(|shape| &shape.exports),
    }));
}

/// Shows what a plugin says of one engine, and returns it for programs.
fn show_engine(output: Output, engine: &str, of: &Description) -> Value {
    let (passwords, names) = (&of.password_rules, &of.username_rules);
    output.line(format!("engine     {engine}"));
    output.line(format!("  can      {}", of.features.names().join(", ")));
    let never = |excluded: &str| match excluded {
        "" => String::new(),
        never => format!("; never {never:?}"),
    };
    let most = match passwords.max_length {
        Some(most) => format!("at most {most}"),
        None => "any length".to_owned(),
    };
    let required = match passwords.required_classes.names().as_slice() {
        [] => String::new(),
        classes => format!("; always {}", classes.join(", ")),
    };
    output.line(format!(
        "  password {} characters, {most}{}{required}",
        passwords.default_length,
        never(&passwords.excluded_characters)
    ));
    let most = match names.max_length {
        NameLength::Unlimited => "any length".to_owned(),
        limit => format!("at most {limit}"),
    };
    output.line(format!("  names    {most}{}", never(&names.excluded_characters)));
    json!({
        "engine": engine,
        "abilities": of.features.names(),
        "password_length": passwords.default_length,
        "password_length_max": passwords.max_length,
        "password_excludes": passwords.excluded_characters,
        "password_requires": passwords.required_classes.names(),
        "name_length_max": names.max_length.number(),
        "name_excludes": names.excluded_characters,
    })
}

fn show_trailer(output: Output, trailer: &Trailer, sealed: &[Arc<Description>], code: usize) {
    output.line(format!("compiled   by Windlass {} for {}", trailer.windlass, trailer.target));
    output.line(format!("code       {}", files::size(code)));
    output.line(format!("component  claims to be made from sha256 {}", trailer.component_sha256));
    if let Some(signature) = &trailer.component_signature {
        output.line(format!("component  that one is signed by {}", signature.key));
    }
    match &trailer.signature {
        Some(signature) => output.line(format!("signed     as compiled, by {}", signature.key)),
        None => output.line("signed     no: nobody vouches for what it was compiled from"),
    }
    match sealed.first() {
        Some(own) => output.line(format!("sealed as  {} {}", own.name, own.version)),
        None => output.line("sealed as  nothing: the function asks it at its start"),
    }
    let each = sealed.first().into_iter().flat_map(|own| &own.engines).zip(sealed);
    let engines: Vec<_> = each.map(|(engine, own)| show_engine(output, engine, own)).collect();
    output.line("more       with --trust, which runs it");
    output.object(&json!({
        "name": sealed.first().map(|own| &own.name),
        "version": sealed.first().map(|own| &own.version),
        "engines": engines,
        "windlass": trailer.windlass,
        "target": trailer.target,
        "component_sha256": trailer.component_sha256,
        "component_is_claimed": true,
        "component_signed_by": trailer.component_signature.as_ref().map(|signature| signature.key),
        "code_signed_by": trailer.signature.as_ref().map(|signature| signature.key),
    }));
}

fn show_shape(output: Output, shape: &Shape) {
    output.line(format!("imports    {}", shape.imports.join(", ")));
    output.line(format!("exports    {}", shape.exports.join(", ")));
}
