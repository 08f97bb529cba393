//! The commands of the documents do what they are there for: the blocks that are marked `sh run` are run as
//! they stand, those of one document in their order, by one shell that stops at the first command which
//! fails.
//!
//! The names that a document asks its reader to set are set here. AWS is the embedded Secrets Manager, and
//! moto for the other services; its command line is the real one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use windlass_harness::process::Launch;
use windlass_harness::{Artifact, Moto, WorkDir};
use windlass_suite::leaks::{self, Watch};
use windlass_suite::{Options, World, within};

use super::{blocks, document};

/// All blocks of one document: it compiles plugins, and waits for rotations.
const LIMIT: Duration = Duration::from_secs(240);

/// One rotation on a busy machine.
const ROTATION: Duration = Duration::from_secs(60);

/// How often is looked whether it is done.
const POLL: Duration = Duration::from_millis(200);

/// The package, as the first page's own command makes it; and the network of the reader's account, which
/// that page names and does not make.
const FIRST: &str = "
windlass package --bootstrap target/lambda/bootstrap --plugin postgres.wasm
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
SUBNETS=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24 --query Subnet.SubnetId --output text)
GROUP=$(aws ec2 create-security-group --group-name windlass --description windlass --vpc-id $VPC \
  --query GroupId --output text)
";

/// A folder like that of a reader who has built everything, and what their shell knows.
struct Reader {
    environment: Vec<(&'static str, String)>,
    // Searches before the folder is removed: fields are dropped in this order.
    _watch: Watch,
    work: WorkDir,
}

impl Reader {
    fn new() -> Result<Self> {
        let work = WorkDir::new()?;
        let folder = work.path();
        let plugins = Artifact::Plugins.path()?;
        fs::copy(plugins.join("postgres.wasm"), folder.join("postgres.wasm"))?;
        fs::create_dir_all(folder.join("target/lambda"))?;
        symlink(Artifact::Bootstrap.path()?, folder.join("target/lambda/bootstrap"))?;
        // What a script leaves running ends with it, however that ends.
        let program = Artifact::Windlass.path()?;
        let wrapper =
            format!("#!/bin/sh\nexec setpriv --pdeathsig KILL -- '{}' \"$@\"\n", program.display());
        fs::create_dir(folder.join("bin"))?;
        fs::write(folder.join("bin/windlass"), wrapper)?;
        fs::set_permissions(folder.join("bin/windlass"), Permissions::from_mode(0o755))?;
        let store = folder.join("secrets.db");
        Ok(Self { environment: Vec::new(), _watch: Watch::new(folder, &store), work })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.environment.push((name, value.into()));
    }

    /// AWS with this Secrets Manager, for the command line and for ours.
    fn with_secrets_manager(&mut self, endpoint: &str) {
        self.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint);
        self.set("AWS_ACCESS_KEY_ID", "any");
        self.set("AWS_SECRET_ACCESS_KEY", "any");
        self.set("AWS_DEFAULT_REGION", "us-east-1");
        self.set("REGION", "us-east-1");
    }

    /// Runs the blocks of `name` that are marked, and returns what they printed. `before` does what the page
    /// expects to be done.
    async fn follow(&self, name: &str, before: &str) -> Result<String> {
        let marked = blocks(&document(name)?, "sh run");
        ensure!(!marked.is_empty(), "{name}: no block is marked to be run");
        let script = self.file("script.sh");
        let folder = self.work.path().display();
        let marked = marked.join("\n");
        fs::write(&script, format!("set -euo pipefail\ncd '{folder}'\n{before}\n{marked}"))?;
        let python = Artifact::Python.path()?;
        let aws = python.parent().context("the interpreter is in a folder")?;
        let path = format!("{}:{}:/usr/bin:/bin", self.file("bin").display(), aws.display());
        let mut launch = Launch::new("/usr/bin/env");
        for (variable, value) in &self.environment {
            launch = launch.env(variable, value);
        }
        // A shell that says what it runs: of a command that failed, it is the last line.
        let output = launch
            .args([format!("PATH={path}").as_str(), "bash", "-x"])
            .args([&script])
            .finish(LIMIT)
            .await
            .with_context(|| format!("the commands of {name}"))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, error) = (text(&output.stdout), text(&output.stderr));
        leaks::note_printed(name, said.clone(), None)?;
        ensure!(output.status.success(), "{name}: a command failed:\n{said}\n{error}");
        Ok(said)
    }
}

/// How many bytes a file has, which must be there.
fn length(path: &Path) -> Result<u64> {
    Ok(fs::metadata(path).with_context(|| format!("looking for `{}`", path.display()))?.len())
}

#[tokio::test]
async fn the_rotation_on_aws_of_the_first_page() -> Result<()> {
    let world = World::with(Options::default()).await?;
    let login = world.database().account("docs_readme", "").await?;
    world.create_secret("docs-readme", &login.secret(world.database().postgres().port())).await?;
    let moto = Moto::start().await?;
    let mut reader = Reader::new()?;
    reader.with_secrets_manager(world.secrets().endpoint());
    for (name, value) in [
        ("AWS_ENDPOINT_URL", moto.endpoint()),
        ("PARTITION", "aws"),
        ("ACCOUNT", "123456789012"),
        ("SECRET", "docs-readme"),
    ] {
        reader.set(name, value);
    }
    let said = reader.follow("README.md", FIRST).await?;
    ensure!(said.contains("\"RoleName\": \"windlass\""), "{said}");
    ensure!(said.contains("\"State\": \"Active\""), "{said}");
    // Secrets Manager rotates in the background.
    let rotated = async {
        loop {
            let current = world.current("docs-readme").await?;
            if current.password != login.password {
                return anyhow::Ok(current);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let rotated = within(ROTATION, "the password is the old one", rotated).await??;
    ensure!(rotated.signs_in(world.database()).await?, "the new password does not sign in");
    Ok(())
}

#[tokio::test]
async fn the_commands_of_the_page_of_the_host() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let first = database.account("docs_host", "").await?;
    world.create_secret("docs-host", &first.secret(database.postgres().port())).await?;
    let mut reader = Reader::new()?;
    reader.with_secrets_manager(world.secrets().endpoint());
    reader.set("SECRET", "docs-host");
    reader.set("WINDLASS_CA_BUNDLE", database.ca().certificate().display().to_string());
    reader.set("WINDLASS_GRANTS", "tcp://localhost:*");
    let second = database.account("app", "IN ROLE plain_signers").await?;
    reader.set("LISTEN", free_address()?);
    reader.set("PORT", database.postgres().port().to_string());
    reader.set("PASSWORD", second.password.clone());
    let said = reader.follow("host/README.md", "").await?;

    for file in ["windlass.zip", "postgres-arm.cwasm", "compiled/postgres.cwasm"] {
        ensure!(length(&reader.file(file))? > 100_000, "`{file}` is short");
    }
    ensure!(said.contains("aarch64"), "{said}");
    let rotated = world.current("docs-host").await?;
    ensure!(rotated.password != first.password, "the secret was not rotated: {said}");
    ensure!(rotated.signs_in(database).await?, "the new password does not sign in");
    ensure!(!second.signs_in(database).await?, "the local secret was not rotated: {said}");
    Ok(())
}

#[tokio::test]
async fn a_plugins_way_into_a_function() -> Result<()> {
    let reader = Reader::new()?;
    fs::rename(reader.file("postgres.wasm"), reader.file("my.wasm"))?;
    reader.follow("sdk/README.md", "windlass sign --new-key key.pem").await?;
    ensure!(length(&reader.file("my.wasm.sig"))? > 0);
    ensure!(length(&reader.file("windlass.zip"))? > 1_000_000);
    Ok(())
}

/// An address that was free a moment ago.
fn free_address() -> Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
