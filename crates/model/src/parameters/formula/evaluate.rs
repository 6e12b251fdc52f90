//! The value of a [`Formula`] for one instance. Whole numbers throughout, in 128 bits and
//! checked: a formula without a value is an error, never a wrong number.

use super::{Factor, Formula, Function, Node, Operator, Variable};
use crate::validate::InvalidParameter;

/// What a formula may ask about an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FormulaVariables {
    /// `AllocatedStorage`: the size of the volume in bytes, not in the API's GiB.
    pub allocated_storage_bytes: u64,
    /// `DBInstanceClassMemory`: see [`InstanceClass`](crate::InstanceClass::effective_memory).
    pub memory_bytes: u64,
    /// `DBInstanceVCPU`.
    pub vcpu: u32,
    /// `EndPointPort`.
    pub port: u16,
    /// `TrueIfReplica`: 1 for a replica, else 0.
    pub is_replica: bool,
}

impl FormulaVariables {
    fn value(&self, variable: Variable) -> i128 {
        match variable {
            Variable::AllocatedStorage => self.allocated_storage_bytes.into(),
            Variable::DbInstanceClassMemory => self.memory_bytes.into(),
            Variable::DbInstanceVcpu => self.vcpu.into(),
            Variable::EndPointPort => self.port.into(),
            Variable::TrueIfReplica => self.is_replica.into(),
        }
    }
}

type Value = Result<i128, &'static str>;

const OVERFLOW: &str = "a number in it is too large";
const ZERO_DIVISION: &str = "it divides by zero";
const NO_LOG: &str = "it takes the log of a number that is not positive";

impl Formula {
    /// The value for an instance. Fails on a division by zero, the log of what is not positive,
    /// and a number that does not fit.
    pub fn evaluate(&self, variables: &FormulaVariables) -> Result<i64, InvalidParameter> {
        node(&self.0, variables)
            .and_then(|value| i64::try_from(value).map_err(|_| OVERFLOW))
            .map_err(|reason| InvalidParameter::FormulaValue { formula: self.to_string(), reason })
    }
}

fn node(node_: &Node, variables: &FormulaVariables) -> Value {
    match node_ {
        Node::Integer(value) => Ok(i128::from(*value)),
        Node::Product(first, operations) => {
            operations.iter().try_fold(factor(*first, variables)?, |value, operation| {
                match *operation {
                    (Operator::Multiply, by) => value.checked_mul(by.into()).ok_or(OVERFLOW),
                    (Operator::Divide, by) => value.checked_div(by.into()).ok_or(ZERO_DIVISION),
                }
            })
        }
        Node::Call(function, arguments) => {
            let mut values = arguments.iter().map(|argument| node(argument, variables));
            let first = values.next().unwrap_or(Ok(0))?;
            values.try_fold(first, |all, value| match function {
                Function::Greatest => Ok(all.max(value?)),
                Function::Least => Ok(all.min(value?)),
                Function::Sum => all.checked_add(value?).ok_or(OVERFLOW),
            })
        }
    }
}

fn factor(factor: Factor, variables: &FormulaVariables) -> Value {
    match factor {
        Factor::Variable(variable) => Ok(variables.value(variable)),
        Factor::Log(variable, divisor) => {
            nearest_log2(variables.value(variable), divisor.unwrap_or(1).into())
        }
    }
}

/// The whole number nearest to log2(a / b), without floating point.
///
/// For a ≥ b, with ⌊⌋ cutting fractions off: round(log2 q) = ⌊log2 q + 1/2⌋ = ⌊log2(2q²) / 2⌋,
/// and a whole-number log of ⌊2a²/b²⌋ is that of 2q². No fraction lies halfway, √2 being none, so
/// that a < b is the negative of the inverse.
fn nearest_log2(a: i128, b: i128) -> Value {
    if b == 0 {
        return Err(ZERO_DIVISION);
    }
    if a <= 0 || b < 0 {
        return Err(NO_LOG);
    }
    if a < b {
        return nearest_log2(b, a).map(|log| -log);
    }
    let square = |value: i128| value.checked_mul(value).ok_or(OVERFLOW);
    let doubled = square(a)?.checked_mul(2).ok_or(OVERFLOW)?;
    Ok(i128::from((doubled / square(b)?).ilog2() / 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn value(text: &str, variables: &FormulaVariables) -> Result<i64, String> {
        let formula: Formula = text.parse().unwrap();
        formula.evaluate(variables).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn values() {
        let variables = FormulaVariables {
            allocated_storage_bytes: 20 * GIB,
            memory_bytes: GIB,
            vcpu: 2,
            port: 5432,
            is_replica: true,
        };
        for (text, expected) in [
            ("-7", -7),
            ("{AllocatedStorage}", 21_474_836_480),
            ("{DBInstanceClassMemory/9531392}", 112),
            ("{DBInstanceClassMemory/63963136*1024}", 16_384),
            ("{DBInstanceClassMemory*1024/63963136}", 17_189),
            ("{DBInstanceVCPU*3/4}", 1),
            ("{DBInstanceVCPU/-4}", 0),
            ("{EndPointPort}", 5432),
            ("{TrueIfReplica}", 1),
            ("GREATEST(1,{DBInstanceVCPU},-3)", 2),
            ("LEAST(1,{DBInstanceVCPU},-3)", -3),
            ("SUM(1,{DBInstanceVCPU},-3)", 0),
            ("GREATEST({log(DBInstanceClassMemory/21474836480)*600},200)", 200),
        ] {
            assert_eq!(value(text, &variables), Ok(expected), "{text}");
        }
    }

    /// Aurora's published table of `max_connections` is the oracle for log.
    #[test]
    fn log_agrees_with_the_published_table() {
        let text = "GREATEST({log(DBInstanceClassMemory/805306368)*45},\
            {log(DBInstanceClassMemory/8187281408)*1000})";
        for (class, mib, expected) in [
            ("db.t2.small", 2 << 10, 45),
            ("db.t3.medium", 4 << 10, 90),
            ("db.t3.large", 8 << 10, 135),
            ("db.r4.large", 15_616, 1000),
            ("db.r4.16xlarge", 488 << 10, 6000),
            ("db.r5.large", 16 << 10, 1000),
            ("db.r5.xlarge", 32 << 10, 2000),
            ("db.r5.2xlarge", 64 << 10, 3000),
            ("db.r5.4xlarge", 128 << 10, 4000),
            ("db.r5.8xlarge", 256 << 10, 5000),
            ("db.r5.12xlarge", 384 << 10, 6000),
            ("db.r5.16xlarge", 512 << 10, 6000),
            ("db.r5.24xlarge", 768 << 10, 7000),
        ] {
            let variables = FormulaVariables { memory_bytes: mib << 20, ..Default::default() };
            assert_eq!(value(text, &variables), Ok(expected), "{class}");
        }
    }

    #[test]
    fn no_value_is_an_error() {
        let variables = FormulaVariables { memory_bytes: u64::MAX, ..Default::default() };
        for (text, reason) in [
            ("{DBInstanceClassMemory/0}", ZERO_DIVISION),
            ("{log(DBInstanceClassMemory/0)}", ZERO_DIVISION),
            ("{log(DBInstanceVCPU)}", NO_LOG),
            ("{log(DBInstanceClassMemory/-2)}", NO_LOG),
            ("{log(DBInstanceClassMemory)}", OVERFLOW),
            ("{DBInstanceClassMemory}", OVERFLOW),
            ("SUM(9223372036854775807,1)", OVERFLOW),
            ("{DBInstanceClassMemory*9223372036854775807*9223372036854775807}", OVERFLOW),
            ("LEAST(1,{EndPointPort/0})", ZERO_DIVISION),
        ] {
            let expected =
                format!("The formula {text} has no value for this DB instance: {reason}");
            assert_eq!(value(text, &variables), Err(expected));
        }
    }

    proptest! {
        /// Between the halves: 2^(2n-1) < (a/b)² < 2^(2n+1), in exact arithmetic.
        #[test]
        fn the_log_is_the_nearest(a in 1_i128..1 << 40, b in 1_i128..1 << 40) {
            let log = nearest_log2(a, b).unwrap();
            let (high, low) = if log >= 0 { (a, b << log) } else { (a << -log, b) };
            prop_assert!(high * high * 2 > low * low && high * high < low * low * 2);
        }

        #[test]
        fn no_formula_panics(by: i64, times: i64, memory: u64, vcpu: u32) {
            let variables = FormulaVariables { memory_bytes: memory, vcpu, ..Default::default() };
            for text in [
                format!("{{DBInstanceClassMemory*{times}/{by}*{times}}}"),
                format!("SUM({by},{times},{{log(DBInstanceClassMemory/{by})*{times}}})"),
                format!("GREATEST({{log(DBInstanceVCPU/{by})*{times}}},{{DBInstanceVCPU/{by}}})"),
            ] {
                let _ = value(&text, &variables);
            }
        }
    }
}
