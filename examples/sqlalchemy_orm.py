from sqlalchemy import create_engine, String, Column
from sqlalchemy.ext.declarative import declarative_base
from sqlalchemy.orm import sessionmaker
base = declarative_base()
class Users(base):
    __tablename__ = "Users"
    Id = Column(String, primary_key=True)
    ProfileFirstName = Column(String)
    Status = Column(String)
engine = create_engine("okta:///?Domain=dev-44876464.okta.com&InitiateOAuth=GETANDREFRESH&OAuthSettingsLocation=/PATH/TO/OAuthSettings.txt")
factory = sessionmaker(bind=engine)
session = factory()
for instance in session.query(Users).filter_by(Status="Active"):
    print("Id: ", instance.Id); print("ProfileFirstName: ", instance.ProfileFirstName); print("---------")
Users_table = Users.metadata.tables["Users"]
for instance in session.execute(Users_table.select().where(Users_table.c.Status == "Active")):
    print("Id: ", instance.Id); print("ProfileFirstName: ", instance.ProfileFirstName); print("---------")
