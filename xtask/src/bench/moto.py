"""moto's server with as many DB instances as the argument says, until the end of the input."""

import sys

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
rds = boto3.client(
    "rds",
    endpoint_url=url,
    region_name="us-east-1",
    aws_access_key_id="testing",
    aws_secret_access_key="testing",
)
for number in range(int(sys.argv[1])):
    rds.create_db_instance(
        DBInstanceIdentifier=f"bench-{number}",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="bench",
        MasterUserPassword="benchmark-1",
    )
print(url, flush=True)
sys.stdin.read()
server.stop()
