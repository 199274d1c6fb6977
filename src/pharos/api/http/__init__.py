"""HTTP for every route: connections and bodies with bounds, forms, errors, packed answers, the pages."""
