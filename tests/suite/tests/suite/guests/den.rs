//! A world with one guest in it, beside the real plugin and a secret that is nobody's business.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use windlass_harness::{Artifact, FunctionError, WorkDir};
use windlass_suite::{
    Login, Options, STEPS, World, error_of, golden, guests, plugins_with, windlass,
};

/// Stands in the secret of every guest. Each disguise of it is a text of its own.
pub(super) const PASSWORD: &str = "hunter2 \"of\" the/guest+1";

/// Stands in the function's environment.
pub(super) const ROLE_KEY: &str = "kZ7q/Wv2x+Tm9Rb4Ls8Yd";

/// The timeout of the emulated function, where a test sets no other.
const STEP_LIMIT: Duration = Duration::from_secs(30);

/// A world with a guest.
pub(super) struct Den {
    pub(super) world: World,
    pub(super) guest: String,
    /// The timeout of the function while the guest sins.
    pub(super) step_limit: Duration,
    /// The other secret's credential, as it was first.
    neighbour: Login,
    plugins: WorkDir,
}

impl Den {
    /// The usual world, with steps by hand.
    pub(super) async fn start(guest: &str) -> Result<Self> {
        Self::with(guest, Options::by_hand()).await
    }

    /// A world with a difference.
    pub(super) async fn with(guest: &str, options: Options) -> Result<Self> {
        Self::with_file(guest, &Artifact::compiled_plugin(&guests()?, guest), options).await
    }

    /// A world with a guest that was tampered with.
    pub(super) async fn with_file(guest: &str, file: &Path, options: Options) -> Result<Self> {
        let work = WorkDir::new()?;
        let postgres = Artifact::compiled_plugin(&Artifact::Plugins.path()?, "postgres");
        let files = [(&*postgres, "postgres.cwasm"), (file, &*format!("{guest}.cwasm"))];
        let plugins = plugins_with(&work.path().join("plugins"), &files)?;
        let options = options.with("AWS_SECRET_ACCESS_KEY", ROLE_KEY);
        let world = World::with(Options { plugins: Some(plugins), ..options }).await?;
        let name = format!("beside_{guest}_{}", world.lambda().address().port());
        let neighbour = world.database().account(&name, "").await?;
        let port = world.database().postgres().port();
        world.create_secret("neighbour", &neighbour.secret(port)).await?;
        Ok(Self {
            world,
            guest: guest.to_owned(),
            step_limit: STEP_LIMIT,
            neighbour,
            plugins: work,
        })
    }

    /// A secret's value for the guest, with these keys.
    pub(super) fn secret(&self, keys: &Value) -> Value {
        let mut value = Login::new("somebody", PASSWORD).secret(1);
        value["engine"] = Value::from(self.guest.as_str());
        // Where the tests' peers listen; `localhost` may be another address, too.
        value["host"] = Value::from("127.0.0.1");
        for (key, of_key) in keys.as_object().into_iter().flatten() {
            value[key] = of_key.clone();
        }
        value
    }

    /// Makes a secret for the guest and a new password for it; returns the rotation's token.
    pub(super) async fn tempt(&self, secret: &str, keys: &Value) -> Result<String> {
        self.world.create_secret(secret, &self.secret(keys)).await?;
        let token = self.world.begin(secret).await?;
        self.world.steps(&["createSecret"], secret, &token).await?;
        Ok(token)
    }

    /// Has the guest sin in setSecret and returns what the function said of it.
    pub(super) async fn sin(&self, secret: &str, keys: &Value) -> Result<FunctionError> {
        let token = self.tempt(secret, keys).await?;
        let before = self.world.labels(secret).await?;
        let error = self.sin_again(secret, &token).await?;
        ensure!(before == self.world.labels(secret).await?, "labels have moved");
        let new = self.world.pending(secret).await?.password;
        self.nothing_got_out(&error, &[PASSWORD, &new])?;
        Ok(error)
    }

    /// Has it sin once more in the same rotation.
    pub(super) async fn sin_again(&self, secret: &str, token: &str) -> Result<FunctionError> {
        let event = json!({ "Step": "setSecret", "SecretId": secret, "ClientRequestToken": token });
        error_of(self.world.lambda().invoke(event, self.step_limit).await?.outcome)
    }

    /// Has the guest sin in each of these ways, compares what was said of it with its file, and
    /// makes sure that the function is none the worse for it.
    pub(super) async fn confess(&self, cases: &[(&str, Value)]) -> Result<Vec<FunctionError>> {
        let (mut text, mut errors) = (String::new(), Vec::new());
        for (case, keys) in cases {
            let secret = format!("sin/{}", case.replace([' ', ':', '.'], "-"));
            let error = self.sin(&secret, keys).await.with_context(|| (*case).to_owned())?;
            writeln!(text, "# {case}\n{}: {}\n", error.kind, steady(&error.message))?;
            errors.push(error);
        }
        self.is_none_the_worse().await?;
        golden(&format!("guests/{}.txt", self.guest), &text)?;
        Ok(errors)
    }

    /// Neither the error nor the log has any of these secrets, or one of the other secrets here, as
    /// it is or in disguise.
    pub(super) fn nothing_got_out(&self, error: &FunctionError, own: &[&str]) -> Result<()> {
        let log = self.world.function_log()?;
        let superuser = self.world.database().superuser().password;
        let others = [ROLE_KEY, &superuser, &self.neighbour.password];
        for said in [&error.message, &error.kind, &log] {
            for secret in own.iter().chain(&others) {
                for form in [(*secret).to_owned(), backwards(secret), hex(secret)] {
                    ensure!(!said.contains(&form), "a secret got out: {said}");
                }
            }
        }
        Ok(())
    }

    /// The same process serves the next event as if nothing had been: a rotation of PostgreSQL.
    pub(super) async fn is_none_the_worse(&self) -> Result<()> {
        ensure!(self.world.function()?.process().exited()?.is_none(), "the function ended");
        let token = self.world.begin("neighbour").await?;
        self.world.steps(&STEPS, "neighbour", &token).await?;
        let current = self.world.current("neighbour").await?;
        ensure!(current.password != self.neighbour.password, "the neighbour has its old password");
        ensure!(current.signs_in(self.world.database()).await?, "the neighbour is locked out");
        Ok(())
    }

    /// Where a guest can't be loaded, every event is answered with that, the neighbour's too, by a
    /// process that lives.
    pub(super) async fn is_not_loaded(&self) -> Result<FunctionError> {
        self.world.create_secret("any", &self.secret(&json!({}))).await?;
        let token = self.world.begin("any").await?;
        let error = self.world.failure("createSecret", "any", &token).await?;
        let token = self.world.begin("neighbour").await?;
        for step in ["createSecret", "setSecret"] {
            let again = self.world.failure(step, "neighbour", &token).await?;
            ensure!(again == error, "another event was answered with {again:?}, not {error:?}");
        }
        ensure!(self.world.function()?.process().exited()?.is_none(), "the function ended");
        ensure!(self.neighbour.signs_in(self.world.database()).await?, "somebody changed it");
        self.nothing_got_out(&error, &[PASSWORD])?;
        Ok(error)
    }

    /// What the guest's lines in the log say.
    pub(super) fn said(&self) -> Result<Vec<String>> {
        let lines = self.world.function()?.log_lines()?;
        // The host names the plugin in lines of its own, too.
        let of_plugins =
            lines.iter().filter(|line| line["target"] == "windlass::sandbox::host::system");
        let own = of_plugins.filter(|line| line["plugin"] == self.guest.as_str());
        Ok(own.filter_map(|line| line["message"].as_str().map(str::to_owned)).collect())
    }

    /// The folder with the guest's compiled component.
    pub(super) fn plugins(&self) -> PathBuf {
        self.plugins.path().join("plugins")
    }

    /// The credential of the other secret, as it was first.
    pub(super) fn neighbour(&self) -> &Login {
        &self.neighbour
    }
}

/// A guest's component.
pub(super) fn component(guest: &str) -> Result<Vec<u8>> {
    let path = guests()?.join(format!("{guest}.wasm"));
    fs::read(&path).with_context(|| format!("reading `{}`", path.display()))
}

/// Compiles a component that was tampered with, whatever it is.
pub(super) async fn compiled(work: &WorkDir, name: &str, component: &[u8]) -> Result<PathBuf> {
    let source = work.path().join(format!("{name}.wasm"));
    fs::write(&source, component)?;
    let ran = windlass(&["compile", &source.to_string_lossy(), "--unchecked"], &[]).await?;
    ensure!(ran.code == Some(0), "{}", ran.stderr);
    Ok(source.with_extension("cwasm"))
}

/// A message without what differs from run to run: ports, folders, how much time was left. Long
/// repetitions are counted.
pub(super) fn steady(message: &str) -> String {
    let mut text = String::new();
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let run = rest.chars().take_while(|next| *next == first).count();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (port, time) = (text.ends_with(':') && digits > 3, text.ends_with("within "));
        let taken = if port {
            text.push_str("PORT");
            digits
        } else if time && digits > 0 {
            text.push_str("SOME");
            rest.find(' ').unwrap_or(rest.len())
        } else if run > 40 {
            text.push_str(&format!("[{run} times {first}]"));
            run * first.len_utf8()
        } else {
            text.push(first);
            first.len_utf8()
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    let folder = text.find('`').and_then(|at| Some((at, text.rfind("/plugins/")?)));
    match folder {
        Some((at, to)) if at < to => format!("{}`WORK{}", &text[..at], &text[to..]),
        _ => text,
    }
}

pub(super) fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}
