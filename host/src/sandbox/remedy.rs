//! Where something that this host does not have probably comes from, and what works instead: plugins
//! are written in many languages, and what their toolchains add is rarely asked for by their authors.
//!
//! Each answer goes by names alone and decides nothing. A cause that is not known here is reported
//! without a remedy rather than with a wrong one.

/// The toolchains that add WASI unless an option says otherwise, each with what turns it off.
const WITHOUT_WASI: &str = "build without it: in Rust with `windlass build`, in Python with \
                            `componentize-py … componentize --stub-wasi`, in JavaScript with \
                            `componentize-qjs … --sync --stub-wasi`, in C and Go with an adapter that \
                            stubs `wasi_snapshot_preview1`";

/// What to do about an import of a component that no plugin may have.
pub(super) fn for_import(import: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match import.split_once(':') {
        Some(("wasi", _)) => {
            format!("it comes with the language's runtime; {WITHOUT_WASI}")
        }
        Some(("windlass", _)) => format!(
            "Windlass {version} has no interface of this name; build against the files in `wit/` of \
             this version"
        ),
        _ => "it comes from the plugin's own WIT world or from a library; build it for the world \
              `windlass:plugin/password-plugin` alone"
            .to_owned(),
    }
}

/// What the making or the checking of a component found, with what to do about it where that is known.
pub(super) fn for_rejection(said: &str) -> String {
    let remedy = if said.contains("__wbindgen") {
        "a library takes this for a browser: turn off its feature for JavaScript (`js`, `wasm_js`, \
         `wasmbind`), which `cargo tree --target wasm32-unknown-unknown -i wasm-bindgen` traces"
    } else if said.contains("wasi_snapshot_preview1") {
        WITHOUT_WASI
    } else if said.contains("import interface named `env`") {
        "a function is declared `extern` that nothing defines, often one of a C library: link it, or \
         leave out the crate that declares it"
    } else if said.contains("component model") && said.contains("async") {
        "Windlass has no asynchronous functions in plugins: in JavaScript build with `componentize-qjs \
         --sync`, elsewhere generate synchronous bindings"
    } else if said.contains("component model") && said.contains("feature") {
        "Windlass does not have that feature of the component model: build for the world \
         `windlass:plugin/password-plugin` with a toolchain's stable features alone"
    } else if said.contains("threads must be enabled") || said.contains("shared-everything-threads")
    {
        "plugins have no threads: build without `+atomics` and without shared memory"
    } else if ["not enabled", "must be enabled", "are disabled", "proposal"]
        .iter()
        .any(|part| said.contains(part))
    {
        "Windlass does not have that feature of WebAssembly: build for the toolchain's default \
         WebAssembly target without further features"
    } else {
        return said.to_owned();
    };
    format!("{said}; {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_told_with_where_it_comes_from() {
        for (import, expected) in [
            ("wasi:cli/environment@0.2.3", "componentize --stub-wasi"),
            ("windlass:plugin/files@0.1.0", "has no interface of this name"),
            ("evil:corp/files", "own WIT world"),
            ("log", "own WIT world"),
        ] {
            assert!(for_import(import).contains(expected), "{import}: {}", for_import(import));
        }
    }

    /// In the words of the libraries: where these change, a remedy would get lost.
    #[cfg(feature = "cli")]
    #[test]
    fn features_that_are_off_and_modules_of_other_worlds_are_told_with_what_to_do() {
        use crate::sandbox::HOST_TARGET;
        use crate::sandbox::compile::compile;
        use crate::sandbox::component::Gate;
        use crate::sandbox::component::encode;

        for (component, expected) in [
            ("(component (core func (canon backpressure.inc)))", "componentize-qjs --sync"),
            ("(component (core func (canon error-context.drop)))", "stable features alone"),
            ("(component (core module (memory 1 1 shared)))", "plugins have no threads"),
            ("(component (core module (type (struct))))", "feature of WebAssembly"),
            ("(component (core module (memory 1 (pagesize 1))))", "feature of WebAssembly"),
        ] {
            let bytes = wat::parse_str(component).unwrap();
            let refused = compile(&bytes, HOST_TARGET).err();
            let message = refused.map(|problem| problem.to_string()).unwrap_or_default();
            assert!(message.contains(expected), "{component}: {message}");
        }
        for (import, expected) in [
            ("__wbindgen_placeholder__", "takes this for a browser"),
            ("wasi_snapshot_preview1", "componentize --stub-wasi"),
            ("env", "is declared `extern`"),
        ] {
            let module = format!(r#"(module (import "{import}" "f" (func)))"#);
            let message =
                encode(&wat::parse_str(module).unwrap(), Gate::Open).unwrap_err().to_string();
            assert!(message.contains(expected), "{import}: {message}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_remedy() {
        assert_eq!(for_rejection("unexpected end of file"), "unexpected end of file");
    }
}
