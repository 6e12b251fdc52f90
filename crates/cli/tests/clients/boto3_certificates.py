"""The override of the authority for new instances, by the calls of Terraform's aws_rds_certificate."""

from common import QUICK, client, creation, refused

DEFAULT, OTHER = "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1"
COMBINATION = (400, "InvalidParameterCombination", "…RemoveCustomerOverride…")
rds = client()


def overridden():
    answer = rds.describe_certificates()
    chosen = [it for it in answer["Certificates"] if it["CustomerOverride"]]
    for it in answer["Certificates"]:
        assert ("CustomerOverrideValidTill" in it) == it["CustomerOverride"], it
    return chosen, answer["DefaultCertificateForNewLaunches"]


def authority_of_new(identifier, **more):
    created = rds.create_db_instance(**creation(identifier, **more))["DBInstance"]
    rds.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)
    return created["CACertificateIdentifier"]


assert overridden() == ([], DEFAULT)
assert authority_of_new("before") == DEFAULT

chosen = rds.modify_certificates(CertificateIdentifier=OTHER.upper())["Certificate"]
assert chosen["CertificateIdentifier"] == OTHER and chosen["CustomerOverride"] is True
assert chosen["CustomerOverrideValidTill"] == chosen["ValidTill"]
assert overridden() == ([chosen], OTHER)
assert rds.modify_certificates(CertificateIdentifier=OTHER)["Certificate"] == chosen
assert authority_of_new("overridden") == OTHER
assert authority_of_new("asked", CACertificateIdentifier=DEFAULT) == DEFAULT

refused(404, "CertificateNotFound", "…absent…", rds.modify_certificates,
        CertificateIdentifier="absent")
refused(*COMBINATION, rds.modify_certificates)
refused(*COMBINATION, rds.modify_certificates,
        CertificateIdentifier=DEFAULT, RemoveCustomerOverride=True)
assert overridden() == ([chosen], OTHER)

left = rds.modify_certificates(RemoveCustomerOverride=True)["Certificate"]
assert left["CertificateIdentifier"] == DEFAULT and left["CustomerOverride"] is False
assert overridden() == ([], DEFAULT)
deleted = rds.get_waiter("db_instance_deleted")
for identifier in ("before", "overridden", "asked"):
    deleted.wait(DBInstanceIdentifier=identifier, WaiterConfig=QUICK)
