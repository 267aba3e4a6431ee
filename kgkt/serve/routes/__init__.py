"""The routes under /api, by what they are about; each module gives one router."""
