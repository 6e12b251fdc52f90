//! What a rehearsal showed, as the JUnit XML that CI systems read: a test case for each scenario.

use super::report::{Line, Report};

/// Renders the report.
pub(super) fn render(report: &Report) -> String {
    let lines = &report.scenarios;
    let count = |what: fn(&&Line) -> bool| lines.iter().filter(what).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.3}\"",
        lines.len(),
        count(|line| line.as_expected == Some(false)),
        count(|line| line.left_out.is_some()),
        lines.iter().map(seconds).sum::<f64>(),
    );
    let suite = escape(&format!("pgkeep rehearse {}", report.identifier));
    let cases: String = lines.iter().map(|line| case(&report.identifier, line)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n\
         <testsuite name=\"{suite}\" {counts}>\n{cases}</testsuite>\n</testsuites>\n"
    )
}

fn case(identifier: &str, line: &Line) -> String {
    let inside = match (&line.left_out, line.as_expected) {
        (Some(reason), _) => format!("<skipped message=\"{}\"/>", escape(reason)),
        (None, Some(false)) => format!(
            "<failure message=\"{}\">{}</failure>",
            escape(&format!("a client that verifies {}; {}", line.must(), line.did())),
            escape(line.last_line.as_deref().unwrap_or_default()),
        ),
        (None, _) => String::new(),
    };
    let outputs = line.runs.iter().map(|run| &run.output).filter(|output| !output.is_empty());
    let outputs: String = outputs.map(|text| escape(text)).collect();
    format!(
        "<testcase classname=\"pgkeep.rehearse.{}\" name=\"{}\" time=\"{:.3}\">{inside}\
         <system-out>{outputs}</system-out></testcase>\n",
        escape(identifier),
        escape(line.scenario),
        seconds(line),
    )
}

fn seconds(line: &Line) -> f64 {
    line.runs.iter().map(|run| run.seconds).sum()
}

/// Text for an element or an attribute, without the characters that XML 1.0 (§2.2) cannot have.
fn escape(text: &str) -> String {
    let escape = |one: char| match one {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\n' | '\t' => one.to_string(),
        '\u{fffe}' | '\u{ffff}' => String::new(),
        _ if one.is_control() => String::new(),
        _ => one.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_do_no_harm() {
        assert_eq!(escape("a<b> & \"c\"\n\u{1b}[0m\u{0}é"), "a&lt;b&gt; &amp; &quot;c&quot;\n[0mé");
    }
}
