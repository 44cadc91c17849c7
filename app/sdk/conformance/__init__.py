"""Does a provider keep the contract? The duties, and who tries them from outside.

`python -m app.sdk.conformance URL …` runs them against a company's own service (docs/providers.md);
`app.sdk.testing` runs those that both transports share against a plug-in.
"""
