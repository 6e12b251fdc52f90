//! The cipher suites that a PostgreSQL server can choose, under OpenSSL's and IANA's names.
//!
//! PostgreSQL speaks OpenSSL's names (`ssl_ciphers`, `pg_stat_ssl`), RDS and the RFCs IANA's.
//! Suites with a pre-shared key or SRP are absent: PostgreSQL configures neither. What the
//! OpenSSL of the machine knows is compared with this table by a test; RC4, 3DES, SEED and IDEA,
//! which today's builds leave out, are listed because older servers still choose them.

/// A cipher suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cipher {
    /// The code point of IANA's registry.
    pub code: u16,
    /// The strength of the symmetric cipher in bits, as `pg_stat_ssl.bits`.
    pub bits: u16,
    /// OpenSSL's name: `ECDHE-RSA-AES256-GCM-SHA384`.
    pub openssl: &'static str,
    /// IANA's name: `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`.
    pub iana: &'static str,
}

impl Cipher {
    /// Whether the suite belongs to TLS 1.3, whose suites name no key exchange (RFC 8446 §B.4).
    pub fn is_tls13(self) -> bool {
        self.code >> 8 == 0x13
    }
}

/// Every suite, by code point.
pub fn ciphers() -> impl Iterator<Item = Cipher> {
    TABLE.iter().map(|&(code, bits, openssl, iana)| Cipher { code, bits, openssl, iana })
}

/// The suite of a code point.
pub fn cipher(code: u16) -> Option<Cipher> {
    ciphers().find(|cipher| cipher.code == code)
}

/// OpenSSL's name of a code point.
pub fn openssl_cipher_name(code: u16) -> Option<&'static str> {
    cipher(code).map(|cipher| cipher.openssl)
}

// One suite a line, to be read as a table.
#[rustfmt::skip]
const TABLE: [(u16, u16, &str, &str); 112] = [
    (0x0001, 0, "NULL-MD5", "TLS_RSA_WITH_NULL_MD5"),
    (0x0002, 0, "NULL-SHA", "TLS_RSA_WITH_NULL_SHA"),
    (0x0004, 128, "RC4-MD5", "TLS_RSA_WITH_RC4_128_MD5"),
    (0x0005, 128, "RC4-SHA", "TLS_RSA_WITH_RC4_128_SHA"),
    (0x0007, 128, "IDEA-CBC-SHA", "TLS_RSA_WITH_IDEA_CBC_SHA"),
    (0x000a, 112, "DES-CBC3-SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0013, 112, "DHE-DSS-DES-CBC3-SHA", "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA"),
    (0x0016, 112, "DHE-RSA-DES-CBC3-SHA", "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0018, 128, "ADH-RC4-MD5", "TLS_DH_anon_WITH_RC4_128_MD5"),
    (0x001b, 112, "ADH-DES-CBC3-SHA", "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA"),
    (0x002f, 128, "AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x0032, 128, "DHE-DSS-AES128-SHA", "TLS_DHE_DSS_WITH_AES_128_CBC_SHA"),
    (0x0033, 128, "DHE-RSA-AES128-SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0034, 128, "ADH-AES128-SHA", "TLS_DH_anon_WITH_AES_128_CBC_SHA"),
    (0x0035, 256, "AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0x0038, 256, "DHE-DSS-AES256-SHA", "TLS_DHE_DSS_WITH_AES_256_CBC_SHA"),
    (0x0039, 256, "DHE-RSA-AES256-SHA", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x003a, 256, "ADH-AES256-SHA", "TLS_DH_anon_WITH_AES_256_CBC_SHA"),
    (0x003b, 0, "NULL-SHA256", "TLS_RSA_WITH_NULL_SHA256"),
    (0x003c, 128, "AES128-SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x003d, 256, "AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    (0x0040, 128, "DHE-DSS-AES128-SHA256", "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256"),
    (0x0041, 128, "CAMELLIA128-SHA", "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0044, 128, "DHE-DSS-CAMELLIA128-SHA", "TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0045, 128, "DHE-RSA-CAMELLIA128-SHA", "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0046, 128, "ADH-CAMELLIA128-SHA", "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0067, 128, "DHE-RSA-AES128-SHA256", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0x006a, 256, "DHE-DSS-AES256-SHA256", "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256"),
    (0x006b, 256, "DHE-RSA-AES256-SHA256", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),
    (0x006c, 128, "ADH-AES128-SHA256", "TLS_DH_anon_WITH_AES_128_CBC_SHA256"),
    (0x006d, 256, "ADH-AES256-SHA256", "TLS_DH_anon_WITH_AES_256_CBC_SHA256"),
    (0x0084, 256, "CAMELLIA256-SHA", "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    (0x0087, 256, "DHE-DSS-CAMELLIA256-SHA", "TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA"),
    (0x0088, 256, "DHE-RSA-CAMELLIA256-SHA", "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    (0x0089, 256, "ADH-CAMELLIA256-SHA", "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA"),
    (0x0096, 128, "SEED-SHA", "TLS_RSA_WITH_SEED_CBC_SHA"),
    (0x0099, 128, "DHE-DSS-SEED-SHA", "TLS_DHE_DSS_WITH_SEED_CBC_SHA"),
    (0x009a, 128, "DHE-RSA-SEED-SHA", "TLS_DHE_RSA_WITH_SEED_CBC_SHA"),
    (0x009b, 128, "ADH-SEED-SHA", "TLS_DH_anon_WITH_SEED_CBC_SHA"),
    (0x009c, 128, "AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, 256, "AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    (0x009e, 128, "DHE-RSA-AES128-GCM-SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009f, 256, "DHE-RSA-AES256-GCM-SHA384", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0x00a2, 128, "DHE-DSS-AES128-GCM-SHA256", "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256"),
    (0x00a3, 256, "DHE-DSS-AES256-GCM-SHA384", "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384"),
    (0x00a6, 128, "ADH-AES128-GCM-SHA256", "TLS_DH_anon_WITH_AES_128_GCM_SHA256"),
    (0x00a7, 256, "ADH-AES256-GCM-SHA384", "TLS_DH_anon_WITH_AES_256_GCM_SHA384"),
    (0x00ba, 128, "CAMELLIA128-SHA256", "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256"),
    (0x00bd, 128, "DHE-DSS-CAMELLIA128-SHA256", "TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA256"),
    (0x00be, 128, "DHE-RSA-CAMELLIA128-SHA256", "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA256"),
    (0x00bf, 128, "ADH-CAMELLIA128-SHA256", "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA256"),
    (0x00c0, 256, "CAMELLIA256-SHA256", "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256"),
    (0x00c3, 256, "DHE-DSS-CAMELLIA256-SHA256", "TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA256"),
    (0x00c4, 256, "DHE-RSA-CAMELLIA256-SHA256", "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA256"),
    (0x00c5, 256, "ADH-CAMELLIA256-SHA256", "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA256"),
    (0x1301, 128, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    (0x1302, 256, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    (0x1303, 256, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    (0x1304, 128, "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_SHA256"),
    (0x1305, 128, "TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_8_SHA256"),
    (0xc006, 0, "ECDHE-ECDSA-NULL-SHA", "TLS_ECDHE_ECDSA_WITH_NULL_SHA"),
    (0xc007, 128, "ECDHE-ECDSA-RC4-SHA", "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"),
    (0xc008, 112, "ECDHE-ECDSA-DES-CBC3-SHA", "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"),
    (0xc009, 128, "ECDHE-ECDSA-AES128-SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, 256, "ECDHE-ECDSA-AES256-SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc010, 0, "ECDHE-RSA-NULL-SHA", "TLS_ECDHE_RSA_WITH_NULL_SHA"),
    (0xc011, 128, "ECDHE-RSA-RC4-SHA", "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
    (0xc012, 112, "ECDHE-RSA-DES-CBC3-SHA", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0xc013, 128, "ECDHE-RSA-AES128-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0xc014, 256, "ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0xc015, 0, "AECDH-NULL-SHA", "TLS_ECDH_anon_WITH_NULL_SHA"),
    (0xc016, 128, "AECDH-RC4-SHA", "TLS_ECDH_anon_WITH_RC4_128_SHA"),
    (0xc017, 112, "AECDH-DES-CBC3-SHA", "TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA"),
    (0xc018, 128, "AECDH-AES128-SHA", "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"),
    (0xc019, 256, "AECDH-AES256-SHA", "TLS_ECDH_anon_WITH_AES_256_CBC_SHA"),
    (0xc023, 128, "ECDHE-ECDSA-AES128-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc024, 256, "ECDHE-ECDSA-AES256-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0xc027, 128, "ECDHE-RSA-AES128-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc028, 256, "ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0xc02b, 128, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, 256, "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, 128, "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc030, 256, "ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xc050, 128, "ARIA128-GCM-SHA256", "TLS_RSA_WITH_ARIA_128_GCM_SHA256"),
    (0xc051, 256, "ARIA256-GCM-SHA384", "TLS_RSA_WITH_ARIA_256_GCM_SHA384"),
    (0xc052, 128, "DHE-RSA-ARIA128-GCM-SHA256", "TLS_DHE_RSA_WITH_ARIA_128_GCM_SHA256"),
    (0xc053, 256, "DHE-RSA-ARIA256-GCM-SHA384", "TLS_DHE_RSA_WITH_ARIA_256_GCM_SHA384"),
    (0xc056, 128, "DHE-DSS-ARIA128-GCM-SHA256", "TLS_DHE_DSS_WITH_ARIA_128_GCM_SHA256"),
    (0xc057, 256, "DHE-DSS-ARIA256-GCM-SHA384", "TLS_DHE_DSS_WITH_ARIA_256_GCM_SHA384"),
    (0xc05c, 128, "ECDHE-ECDSA-ARIA128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256"),
    (0xc05d, 256, "ECDHE-ECDSA-ARIA256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384"),
    (0xc060, 128, "ECDHE-ARIA128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256"),
    (0xc061, 256, "ECDHE-ARIA256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384"),
    (0xc072, 128, "ECDHE-ECDSA-CAMELLIA128-SHA256", "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256"),
    (0xc073, 256, "ECDHE-ECDSA-CAMELLIA256-SHA384", "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384"),
    (0xc076, 128, "ECDHE-RSA-CAMELLIA128-SHA256", "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256"),
    (0xc077, 256, "ECDHE-RSA-CAMELLIA256-SHA384", "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384"),
    (0xc09c, 128, "AES128-CCM", "TLS_RSA_WITH_AES_128_CCM"),
    (0xc09d, 256, "AES256-CCM", "TLS_RSA_WITH_AES_256_CCM"),
    (0xc09e, 128, "DHE-RSA-AES128-CCM", "TLS_DHE_RSA_WITH_AES_128_CCM"),
    (0xc09f, 256, "DHE-RSA-AES256-CCM", "TLS_DHE_RSA_WITH_AES_256_CCM"),
    (0xc0a0, 128, "AES128-CCM8", "TLS_RSA_WITH_AES_128_CCM_8"),
    (0xc0a1, 256, "AES256-CCM8", "TLS_RSA_WITH_AES_256_CCM_8"),
    (0xc0a2, 128, "DHE-RSA-AES128-CCM8", "TLS_DHE_RSA_WITH_AES_128_CCM_8"),
    (0xc0a3, 256, "DHE-RSA-AES256-CCM8", "TLS_DHE_RSA_WITH_AES_256_CCM_8"),
    (0xc0ac, 128, "ECDHE-ECDSA-AES128-CCM", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"),
    (0xc0ad, 256, "ECDHE-ECDSA-AES256-CCM", "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"),
    (0xc0ae, 128, "ECDHE-ECDSA-AES128-CCM8", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"),
    (0xc0af, 256, "ECDHE-ECDSA-AES256-CCM8", "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8"),
    (0xcca8, 256, "ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcca9, 256, "ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xccaa, 256, "DHE-RSA-CHACHA20-POLY1305", "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
];

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Cipher, ciphers};

    /// `0xC0,0x30 - IANA - OPENSSL TLSv1.2 Kx=ECDH Au=RSA Enc=AESGCM(256) Mac=AEAD`
    fn parse_openssl(line: &str) -> (u16, u16, String, String) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let code = words[0].replace("0x", "").replace(',', "");
        let bits = words.iter().find_map(|word| word.strip_prefix("Enc=")?.split_once('('));
        let bits = bits.map_or(0, |(_, bits)| bits.trim_end_matches(')').parse().unwrap());
        let code = u16::from_str_radix(&code, 16).unwrap();
        (code, bits, words[4].to_owned(), words[2].to_owned())
    }

    #[test]
    fn the_table_equals_what_openssl_knows() {
        let ccm = "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256:TLS_AES_128_GCM_SHA256:\
                   TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
        let output = Command::new("openssl")
            .args(["ciphers", "-V", "-stdname", "-ciphersuites", ccm])
            .arg("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
            .output()
            .unwrap();
        let listing = String::from_utf8(output.stdout).unwrap();
        let known: Vec<_> = listing
            .lines()
            .filter(|line| !line.contains("PSK") && !line.contains("SRP"))
            .map(parse_openssl)
            .collect();
        assert!(known.len() > 80, "openssl lists only {}", known.len());
        let rows: Vec<_> = ciphers()
            .map(|Cipher { code, bits, openssl, iana }| (code, bits, openssl.into(), iana.into()))
            .collect();
        for row in &known {
            assert!(rows.contains(row), "not in the table: {row:x?}");
        }
        let left_out = ["RC4", "3DES", "SEED", "IDEA"];
        for row in rows.iter().filter(|row| !known.contains(row)) {
            assert!(left_out.iter().any(|name| row.3.contains(name)), "not in OpenSSL: {row:x?}");
        }
        assert!(rows.is_sorted_by(|a, b| a.0 < b.0));
    }
}
