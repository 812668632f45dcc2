"""Write the golden file of each current graph version: `python -m tests.graphs.golden`, once per release."""

from hitl.graphs.registry import VERSIONS
from tests.graphs.golden import dump, gates
from tests.graphs.house import House
from tests.services.postgres import Databases, private_postgres

with private_postgres() as postgres, Databases(postgres.url).fresh() as url:
    house = House(url)
    brought = gates.bring(house)
    house.close()
    for label in VERSIONS:
        dump.write(label.replace("@", "-"), dump.dump(url, brought))
