"""Operations of remote providers that citizens call through the house."""
