//! The embedded engines that may be downloaded: exact packages and their hashes.
//!
//! Written by `pins.sh` beside this file; edit the list of versions there and run it again. What
//! is not in this table is never downloaded, whatever a registry offers.

use super::pin::{Pin, pin};

/// Every pinned package, by platform and version.
#[rustfmt::skip]
pub(super) const PINS: &[Pin] = &[
    pin(
        "linux-arm64",
        "15.18.0-beta.17",
        (15, 18),
        22_320_686,
        "ape8eUuz4O2KrO8mySDMEKuHYEppJ71EJ4IanBa1fH6LOui9wifm4+iJnhFkaY+WGBa/Rgw/of+RlFHO2i+bLg==",
    ),
    pin(
        "linux-arm64",
        "16.14.0-beta.17",
        (16, 14),
        22_464_151,
        "LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ==",
    ),
    pin(
        "linux-arm64",
        "17.10.0-beta.17",
        (17, 10),
        22_767_514,
        "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
    ),
    pin(
        "linux-arm64",
        "18.4.0-beta.17",
        (18, 4),
        22_982_269,
        "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
    ),
    pin(
        "linux-x64",
        "10.23.0-beta.6",
        (10, 23),
        34_751_312,
        "ABGcxf21jT2cmCdwqdZQFSrFsXq2JO1s0Q0nfbg34tyi8xXByBblw1plgECXcx47xE9JjL2Ov8jILincU9CtEQ==",
    ),
    pin(
        "linux-x64",
        "11.22.1-beta.11",
        (11, 22),
        21_206_023,
        "gBgSxIWpbjFoNhceVWpHanra0i1CaU1bna9XQaSCy675djbb9gx4HND+JiGF1zTSi84q7gQHqZR5ioJ0mIS1Sg==",
    ),
    pin(
        "linux-x64",
        "12.22.0-beta.15",
        (12, 22),
        21_486_145,
        "iG+VySdss+bA5SLDIRrowxKuV57GTc/ePu7NzN0Vnk4t+guX4bW3JP1h4t5MFzZ5SZEJ9tV+fDPjkwPTh2kzuw==",
    ),
    pin(
        "linux-x64",
        "13.23.0-beta.16",
        (13, 23),
        22_489_815,
        "0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==",
    ),
    pin(
        "linux-x64",
        "14.23.0-beta.17",
        (14, 23),
        22_888_359,
        "WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==",
    ),
    pin(
        "linux-x64",
        "15.18.0-beta.17",
        (15, 18),
        23_027_281,
        "TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
    ),
    pin(
        "linux-x64",
        "16.14.0-beta.17",
        (16, 14),
        23_188_454,
        "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
    ),
    pin(
        "linux-x64",
        "17.10.0-beta.17",
        (17, 10),
        23_500_205,
        "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    ),
    pin(
        "linux-x64",
        "18.4.0-beta.17",
        (18, 4),
        23_732_346,
        "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
];
