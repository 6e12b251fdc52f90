//! The formulas a parameter value may be: `LEAST({DBInstanceClassMemory/9531392},5000)`.
//!
//! ```text
//! formula  = integer | "{" product "}" | function "(" formula { "," formula } ")"
//! product  = factor { ("*" | "/") integer }
//! factor   = variable | "log" "(" variable [ "/" integer ] ")"
//! function = "GREATEST" | "LEAST" | "SUM"        (in any case; variables are case-sensitive)
//! ```
//!
//! Source: "Specifying DB parameters" of the RDS user guide. A product goes from left to right,
//! each division cut to a whole number. The page calls `log` "log base 2" and says nothing of
//! fractions: here it is rounded to the nearest whole number, which is what gives Aurora's
//! published table of `max_connections`, whose default is such a formula.
//!
//! Absent: `IF`, which only Oracle has, and the quoted comparisons for boolean parameters.

mod evaluate;
mod parse;

use std::fmt;

pub use evaluate::FormulaVariables;

/// A formula, read and not yet worked out. `Display` writes it without spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula(Node);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Integer(i64),
    Product(Factor, Vec<(Operator, i64)>),
    Call(Function, Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Factor {
    Variable(Variable),
    Log(Variable, Option<i64>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Multiply,
    Divide,
}

/// An enum of words, with the text of each.
macro_rules! words {
    ($name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum $name {
            $($variant),+
        }

        impl $name {
            const ALL: &[Self] = &[$(Self::$variant),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }
    };
}

words!(Function { Greatest = "GREATEST", Least = "LEAST", Sum = "SUM" });

words!(Variable {
    AllocatedStorage = "AllocatedStorage",
    DbInstanceClassMemory = "DBInstanceClassMemory",
    DbInstanceVcpu = "DBInstanceVCPU",
    EndPointPort = "EndPointPort",
    TrueIfReplica = "TrueIfReplica",
});

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Product(factor, operations) => {
                write!(f, "{{{factor}")?;
                for (operator, value) in operations {
                    let sign = if *operator == Operator::Multiply { '*' } else { '/' };
                    write!(f, "{sign}{value}")?;
                }
                f.write_str("}")
            }
            Self::Call(function, arguments) => {
                write!(f, "{}", function.name())?;
                for (index, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if index == 0 { '(' } else { ',' })?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(variable) => f.write_str(variable.name()),
            Self::Log(variable, None) => write!(f, "log({})", variable.name()),
            Self::Log(variable, Some(divisor)) => write!(f, "log({}/{divisor})", variable.name()),
        }
    }
}
