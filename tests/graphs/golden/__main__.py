"""Write the golden file of each graph's current version: `python -m tests.graphs.golden`, once per release."""

from hitl.domain.cases import GRAPH_VERSIONS
from tests.graphs.golden import dump, gates
from tests.graphs.house import House
from tests.services.postgres import Databases, private_postgres

with private_postgres() as postgres, Databases(postgres.url).fresh() as url:
    house = House(url)
    brought = gates.bring(house)
    house.close()
    for name, version in GRAPH_VERSIONS.items():
        dump.write(f"{name}-{version}", dump.dump(url, brought))
