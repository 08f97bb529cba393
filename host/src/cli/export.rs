//! `windlass export`.

use std::path::PathBuf;

use clap::Args;
use windlass_secrets_manager::{EmbeddedStore, ExportedValues};

use super::CommandError;
use super::output::Output;

/// Print what an embedded store holds, as JSON: secrets, versions, labels, tags and rotations.
///
/// Secret values are left out unless `--values` is given. The store may be in use meanwhile; what is
/// printed is one moment of it.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The file of the embedded store, as `windlass local` keeps it
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// Print secret values too, in clear
    #[arg(long)]
    values: bool,
}

impl Export {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        if !self.store.exists() {
            return Err(CommandError::operator(format!(
                "there is no store to export: `{}`; name the file that `windlass local --store` \
                 was given",
                self.store.display()
            )));
        }
        let values = if self.values { ExportedValues::Shown } else { ExportedValues::Hidden };
        let read = tokio::task::spawn_blocking(move || {
            let store = EmbeddedStore::open(&self.store).map_err(|error| error.to_string())?;
            store.export(values).map_err(|error| error.to_string())
        });
        let exported = read
            .await
            .map_err(|error| CommandError::internal(error.to_string()))?
            .map_err(CommandError::operator)?;
        // Indented for people, a line at a time; the same object in one line for programs.
        let text = serde_json::to_string_pretty(&exported)
            .map_err(|error| CommandError::internal(error.to_string()))?;
        text.lines().for_each(|line| output.line(line));
        output.object(&exported);
        Ok(())
    }
}
