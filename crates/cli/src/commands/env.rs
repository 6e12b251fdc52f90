//! `pgkeep env`: what AWS clients and libpq need, as lines for `eval`.

use crate::args::DataDirArgs;
use crate::credentials;
use crate::data_directory::DataDirectory;
use crate::output;

pub(super) fn run(args: &DataDirArgs) -> anyhow::Result<()> {
    let data = DataDirectory::open(args)?;
    let url = data.api_url()?;
    let keys = credentials::read(&data.credentials())?;
    let installation = data.installation()?;
    let region = installation.map(|it| it.region.to_string()).unwrap_or_default();
    let bundle = data.bundle_pem();
    output::write(
        render(&[
            ("AWS_ENDPOINT_URL_RDS", &url),
            ("AWS_ACCESS_KEY_ID", &keys.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.expose()),
            ("AWS_REGION", &region),
            ("AWS_DEFAULT_REGION", &region),
            ("PGSSLROOTCERT", &bundle.to_string_lossy()),
        ]) + AWS_FUNCTION,
    )
}

/// Version 1 of the AWS CLI takes `rds.amazonaws.com` in us-east-1 whatever
/// `AWS_ENDPOINT_URL_RDS` says, and versions before 2.13 do not know that variable: only the
/// option leads all of them here, and keeps a request from the real service.
const AWS_FUNCTION: &str = "\
aws() {
  if [ \"$1\" = rds ]; then
    command aws --endpoint-url \"$AWS_ENDPOINT_URL_RDS\" \"$@\"
  else
    command aws \"$@\"
  fi
}
";

fn render(variables: &[(&str, &str)]) -> String {
    let line = |(name, value): &(&str, &str)| format!("export {name}={}\n", quote(value));
    variables.iter().map(line).collect()
}

/// A word for a POSIX shell: between single quotes everything is itself but the quote.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:+=@,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let words = ["", "plain", "two words", "it's", "$HOME `id` \"x\" \\", "a\nb"];
        let list = words.map(quote).join(" ");
        let script = format!("for word in {list}; do printf '%s\\0' \"$word\"; done");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let read = String::from_utf8(output.stdout).unwrap();
        assert_eq!(read.split_terminator('\0').collect::<Vec<_>>(), words);
    }
}
