//! Golden texts: help, and the answers to wrong use. `TRYCMD=overwrite` writes them anew.

#[test]
fn help_and_wrong_use() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
