//! Values of parameters, on their way into postgresql.conf.

use pgkeep_model::parameters::{
    Formula, FormulaVariables, Normalised, ParameterDefinition, catalogue, check_value,
};
use pgkeep_postgres::fuzzing::quote;

use super::text;

const VARIABLES: FormulaVariables = FormulaVariables {
    allocated_storage_bytes: 20 << 30,
    memory_bytes: 1 << 30,
    vcpu: 2,
    port: 5432,
    is_replica: false,
};

/// A formula that is taken is written and read again as the same one.
pub(super) fn formula(bytes: &[u8]) {
    let Ok(formula) = text(bytes).parse::<Formula>() else {
        return;
    };
    let again = formula.to_string().parse::<Formula>().expect("it was just written");
    assert_eq!(again, formula);
    assert_eq!(again.evaluate(&VARIABLES).ok(), formula.evaluate(&VARIABLES).ok());
}

/// A major version, a parameter of it and a value: what is taken stands on one line of
/// postgresql.conf, and PostgreSQL reads from it what was taken.
pub(super) fn value(bytes: &[u8]) {
    let [major, high, low, value @ ..] = bytes else {
        return;
    };
    let all = catalogue(u16::from(10 + major % 9));
    let place = usize::from(u16::from_be_bytes([*high, *low])) % all.len();
    if let Some(definition) = all.get(place) {
        written(definition, text(value));
    }
}

fn written(definition: &ParameterDefinition, value: &str) {
    let Ok(normalised) = check_value(definition, value) else {
        return;
    };
    let Ok(setting) = normalised.setting(definition, &VARIABLES) else {
        assert!(matches!(normalised, Normalised::Formula(_)), "a plain value has no setting");
        return;
    };
    let line = quote(&setting);
    assert!(!line.contains(['\n', '\r']), "the value leaves its line");
    let quoted = line.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    assert_eq!(read_quoted(quoted.expect("quotes around the value")), setting);
}

/// What `guc-file.l` makes of a text between quotes.
fn read_quoted(quoted: &str) -> String {
    let mut read = String::new();
    let mut rest = quoted.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\'' => assert_eq!(rest.next(), Some('\''), "a quote ends the value"),
            '\\' => {
                let escaped = rest.next().expect("a backslash ends the value");
                match escaped {
                    'n' => read.push('\n'),
                    'r' => read.push('\r'),
                    '0'..='7' => {
                        let mut code = escaped.to_digit(8).unwrap_or_default();
                        while let Some(digit) = rest.peek().and_then(|it| it.to_digit(8)) {
                            code = code * 8 + digit;
                            rest.next();
                        }
                        read.extend(char::from_u32(code));
                    }
                    other => read.push(other),
                }
                continue;
            }
            _ => {}
        }
        read.push(character);
    }
    read
}
