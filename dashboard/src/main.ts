import './styles/tokens.css'
