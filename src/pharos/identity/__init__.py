"""Who asks: passwords, tokens, sessions, single sign-on, tokens of outside issuers, and what each may do.

`Directory` keeps in memory what people's state says of accounts; `Authenticator` says who a request comes
from; `SignIn` lets people in and out; `Accounts` changes accounts, for those who may. None knows HTTP.
"""
