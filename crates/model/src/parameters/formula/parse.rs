//! Text to [`Formula`], by descent. Any text is answered with a formula or a refusal: the depth
//! and the length are bounded, so that no request can exhaust the stack.

use std::str::FromStr;

use super::{Factor, Formula, Function, Node, Operator, Variable};
use crate::validate::InvalidParameter;

/// The most functions within one another.
const MAX_DEPTH: usize = 8;
/// The most bytes of a formula.
const MAX_LENGTH: usize = 1024;

impl FromStr for Formula {
    type Err = InvalidParameter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut reader = Reader { rest: text };
        let node = (text.len() <= MAX_LENGTH)
            .then(|| reader.formula(MAX_DEPTH))
            .flatten()
            .filter(|_| reader.rest.trim_ascii_start().is_empty());
        node.map(Self).ok_or_else(|| InvalidParameter::Formula { text: text.to_owned() })
    }
}

/// What is left to read. Each method takes what it names off the front, past spaces, or gives
/// `None`, after which the whole text is refused.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn formula(&mut self, depth: usize) -> Option<Node> {
        if self.sign('{').is_some() {
            let product = self.product()?;
            self.sign('}')?;
            return Some(product);
        }
        if let Some(value) = self.integer() {
            return Some(Node::Integer(value));
        }
        let word = self.word()?;
        let same = |function: &&Function| function.name().eq_ignore_ascii_case(word);
        let function = *Function::ALL.iter().find(same)?;
        self.sign('(')?;
        let inner = depth.checked_sub(1)?;
        let mut arguments = vec![self.formula(inner)?];
        while self.sign(',').is_some() {
            arguments.push(self.formula(inner)?);
        }
        self.sign(')')?;
        Some(Node::Call(function, arguments))
    }

    fn product(&mut self) -> Option<Node> {
        let factor = self.factor()?;
        let mut operations = Vec::new();
        while let Some(operator) = self.operator() {
            operations.push((operator, self.integer()?));
        }
        Some(Node::Product(factor, operations))
    }

    fn factor(&mut self) -> Option<Factor> {
        let word = self.word()?;
        if !word.eq_ignore_ascii_case("log") {
            return Some(Factor::Variable(variable(word)?));
        }
        self.sign('(')?;
        let variable = variable(self.word()?)?;
        let divisor = match self.sign('/') {
            Some(()) => Some(self.integer()?),
            None => None,
        };
        self.sign(')')?;
        Some(Factor::Log(variable, divisor))
    }

    fn operator(&mut self) -> Option<Operator> {
        let multiply = self.sign('*').map(|()| Operator::Multiply);
        multiply.or_else(|| self.sign('/').map(|()| Operator::Divide))
    }

    fn sign(&mut self, sign: char) -> Option<()> {
        self.rest = self.rest.trim_ascii_start().strip_prefix(sign)?;
        Some(())
    }

    fn integer(&mut self) -> Option<i64> {
        let text = self.rest.trim_ascii_start();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        let (value, rest) = text.split_at_checked(text.len() - digits.len() + length)?;
        let value = value.parse().ok()?;
        self.rest = rest;
        Some(value)
    }

    fn word(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_ascii_start();
        let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, rest) = text.split_at_checked(length)?;
        self.rest = rest;
        Some(word)
    }
}

fn variable(word: &str) -> Option<Variable> {
    Variable::ALL.iter().copied().find(|variable| variable.name() == word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn read_and_written() {
        for text in [
            "5000",
            "-1",
            "{DBInstanceClassMemory}",
            "{DBInstanceClassMemory*3}",
            "{DBInstanceClassMemory/32768}",
            "{DBInstanceClassMemory*1024/63963136}",
            "{DBInstanceClassMemory/63963136*1024}",
            "{log(DBInstanceClassMemory/21474836480)*600}",
            "{log(DBInstanceVCPU)}",
            "LEAST({DBInstanceClassMemory/9531392},5000)",
            "GREATEST({log(DBInstanceClassMemory/21474836480)*600},200)",
            "SUM(1,LEAST(2,3),GREATEST({AllocatedStorage},{EndPointPort},{TrueIfReplica}))",
        ] {
            assert_eq!(text.parse::<Formula>().unwrap().to_string(), text);
        }
        let spaced =
            " greatest( { DBInstanceVCPU * 2 / 3 } , Sum(8) ) ".parse::<Formula>().unwrap();
        assert_eq!(spaced.to_string(), "GREATEST({DBInstanceVCPU*2/3},SUM(8))");
    }

    #[test]
    fn refused() {
        for text in [
            "",
            " ",
            "-",
            "5000x",
            "1.5",
            "9223372036854775808",
            "DBInstanceClassMemory/32768",
            "{DBInstanceClassMemory/32768",
            "{DBInstanceClassMemory/32768}}",
            "{dbinstanceclassmemory}",
            "{DBInstanceClassHugePagesDefault}",
            "{5000}",
            "{}",
            "{DBInstanceVCPU*}",
            "{DBInstanceVCPU+1}",
            "{DBInstanceVCPU/DBInstanceVCPU}",
            "{log()}",
            "{log(5)}",
            "log(DBInstanceVCPU)",
            "LEAST",
            "LEAST()",
            "LEAST(1,,2)",
            "LEAST(1,2",
            "LEAST(1,2)3",
            "MAX(1,2)",
            "LEAST(１)",
        ] {
            let refusal = text.parse::<Formula>().unwrap_err();
            assert_eq!(refusal.to_string(), format!("invalid parameter value: {text}"));
            assert_eq!(refusal.code().name(), "InvalidParameterValue");
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let nested = |depth: usize| format!("{}1{}", "SUM(".repeat(depth), ")".repeat(depth));
        assert!(nested(MAX_DEPTH).parse::<Formula>().is_ok());
        assert!(nested(MAX_DEPTH + 1).parse::<Formula>().is_err());
        assert!("SUM(".repeat(100_000).parse::<Formula>().is_err());
        assert!("1".repeat(MAX_LENGTH + 1).parse::<Formula>().is_err());
    }

    fn formulas() -> impl Strategy<Value = Node> {
        let variable = || proptest::sample::select(Variable::ALL);
        let factor = prop_oneof![
            variable().prop_map(Factor::Variable),
            (variable(), any::<Option<i64>>()).prop_map(|(v, divisor)| Factor::Log(v, divisor)),
        ];
        let operator = prop_oneof![Just(Operator::Multiply), Just(Operator::Divide)];
        let operations = proptest::collection::vec((operator, any::<i64>()), 0..3);
        let leaf = prop_oneof![
            any::<i64>().prop_map(Node::Integer),
            (factor, operations).prop_map(|(factor, rest)| Node::Product(factor, rest)),
        ];
        leaf.prop_recursive(3, 8, 3, |inner| {
            let arguments = proptest::collection::vec(inner, 1..3);
            (proptest::sample::select(Function::ALL), arguments)
                .prop_map(|(function, arguments)| Node::Call(function, arguments))
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(node in formulas()) {
            let formula = Formula(node);
            let text = formula.to_string();
            prop_assume!(text.len() <= MAX_LENGTH);
            prop_assert_eq!(text.parse(), Ok(formula));
        }

        #[test]
        fn any_text_is_judged(
            text in "\\PC{0,60}|[{}(),*/ 0-9-]{0,60}",
            words in "((SUM|LEAST|log|DBInstanceVCPU|[{}(),*/0-9-]){0,20})",
        ) {
            let _ = (text.parse::<Formula>(), words.parse::<Formula>());
        }
    }
}
